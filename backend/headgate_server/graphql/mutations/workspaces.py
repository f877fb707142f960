"""Mutations on workspaces."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden, NotFound
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import DeleteInput, DeletePayload
from headgate_server.graphql.types.workspaces import Workspace, show_workspace
from headgate_server.services import closing, workspaces


@strawberry.input(description="A workspace to be made.")
class WorkspaceCreateInput:
    organization_id: strawberry.ID = strawberry.field(description="In which organization.")
    slug: str = strawberry.field(description="1 to 50 lower-case letters, digits and hyphens.")
    name: str = strawberry.field(description="1 to 200 characters.")


@strawberry.input(description="How long to keep what has ended; what is not said is kept.")
class WorkspaceRetentionInput:
    runs_days: int | None = strawberry.field(
        default=None, description="Runs with their states and task runs: 1 to 3,650."
    )
    logs_days: int | None = strawberry.field(
        default=None, description="The logs of runs: 1 to 3,650, at most runsDays."
    )
    events_days: int | None = strawberry.field(default=None, description="Events: 1 to 3,650.")

    def to_changes(self) -> workspaces.RetentionChanges:
        """Return what was said."""
        return workspaces.RetentionChanges(
            runs_kept_days=given(self.runs_days),
            logs_kept_days=given(self.logs_days),
            events_kept_days=given(self.events_days),
        )


@strawberry.input(description="A workspace to be changed; what is not said keeps its value.")
class WorkspaceUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the workspace has another version by now."
    )
    name: str | None = strawberry.field(default=None, description="1 to 200 characters.")
    slug: str | None = strawberry.field(
        default=None, description="1 to 50 lower-case letters, digits and hyphens."
    )
    retention: WorkspaceRetentionInput | None = strawberry.field(
        default=None,
        description="How long to keep what has ended. What a shorter time deletes is gone for "
        "good, within minutes.",
    )


@strawberry.input(description="A workspace to be archived, or opened again.")
class WorkspaceArchiveInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    archived: bool = strawberry.field(description="Archive it, or open it again.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the workspace has another version by now."
    )


@strawberry.type(description="A workspace that was made or changed.")
class WorkspacePayload:
    workspace: Workspace | None = payload_field("The workspace.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class WorkspaceMutations:
    @mutation(
        requires=[Scope.ORG_ADMIN],
        description="Make a workspace; needs a credential of the whole organization.",
    )
    async def workspace_create(
        self,
        info: Info,
        input: Annotated[WorkspaceCreateInput, strawberry.argument(description="What to make.")],
    ) -> WorkspacePayload:
        context = info.context
        organization_id = ids.parse(input.organization_id, kind=ids.Kind.ORGANIZATION)
        if context.principal.workspace_id is not None:
            if organization_id != context.principal.organization_id:
                raise NotFound
            raise Forbidden("A credential of one workspace cannot make another.")
        async with context.organization_work() as work:
            row = await workspaces.create_workspace(
                work, organization_id=organization_id, slug=input.slug, name=input.name
            )
        context.known_workspace_ids = None
        return WorkspacePayload(workspace=show_workspace(row))

    @mutation(requires=[Scope.ORG_ADMIN], description="Change a workspace.")
    async def workspace_update(
        self,
        info: Info,
        input: Annotated[WorkspaceUpdateInput, strawberry.argument(description="The change.")],
    ) -> WorkspacePayload:
        workspace_id = workspace_id_of(input.id)
        async with info.context.work(workspace_id) as work:
            row = await workspaces.update_workspace(
                work,
                id_=workspace_id,
                slug=given(input.slug),
                name=given(input.name),
                retention=input.retention.to_changes() if input.retention else None,
                expected_version=input.expected_version,
            )
        return WorkspacePayload(workspace=show_workspace(row))

    @mutation(
        requires=[Scope.ORG_ADMIN],
        description="Archive a workspace or open it again; needs ORG_ADMIN in the organization. An "
        "archived one can be read: nothing is changed and nothing starts, what runs goes on, and "
        "its schedules go on later from where they stopped, with their catch-up.",
    )
    async def workspace_archive(
        self,
        info: Info,
        input: Annotated[WorkspaceArchiveInput, strawberry.argument(description="Which.")],
    ) -> WorkspacePayload:
        workspace_id = workspace_id_of(input.id)
        async with info.context.owner_work(workspace_id) as work:
            row = await closing.archive_workspace(
                work,
                id_=workspace_id,
                is_archived=input.archived,
                expected_version=input.expected_version,
            )
        return WorkspacePayload(workspace=show_workspace(row))

    @mutation(
        requires=[Scope.ORG_ADMIN],
        description="Delete an archived workspace with everything in it, for good; needs ORG_ADMIN "
        "in the organization. Access ends at once, the keys of its secrets are destroyed within "
        "minutes, then its rows go.",
    )
    async def workspace_delete(
        self, info: Info, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        workspace_id = workspace_id_of(input.id)
        async with info.context.owner_work(workspace_id) as work:
            await closing.delete_workspace(
                work, id_=workspace_id, expected_version=input.expected_version
            )
        return DeletePayload(deleted_id=input.id)
