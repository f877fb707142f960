"""Mutations on artifacts."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.artifacts import NewArtifact, read_type
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.types.artifacts import Artifact, show_artifact
from headgate_server.services import artifacts, task_runs
from headgate_server.services.flow_runs.read import get_many_flow_runs


@strawberry.input(description="What a run, or somebody, leaves for people to look at.")
class ArtifactCreateInput:
    type: str = strawberry.field(
        description="markdown, table, link, image, progress or result; see Artifact.type."
    )
    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Made by the client: art_ and a UUIDv7, which tells when it was made. Sent "
        "again with the same id it changes nothing; made here if not said.",
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where; may be left out where a run is named, or the credential is good for "
        "one workspace only.",
    )
    flow_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The run that leaves it; a run's token need not say its own."
    )
    task_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The task run that leaves it."
    )
    key: str | None = strawberry.field(
        default=None,
        description="1 to 100 lower-case letters, digits, dots, hyphens and underscores; artifacts "
        "of one key are the history of one thing.",
    )
    data: JSON | None = strawberry.field(
        default=None, description="By the type; at most 1 MiB. No secret: everybody may look."
    )
    description: str | None = strawberry.field(
        default=None, description="In Markdown; at most 10,000 characters."
    )
    metadata: JSON | None = strawberry.field(default=None, description="An object; at most 64 KiB.")


@strawberry.input(description="What changes of an artifact, as its progress; the rest stays.")
class ArtifactUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which.")
    data: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="In place of its data; of the same type."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="In place of its description; null removes it."
    )
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="In place of its metadata."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the artifact has another version by now."
    )


@strawberry.type(description="An artifact that was created or changed.")
class ArtifactPayload:
    artifact: Artifact | None = payload_field("The artifact.")
    upload_url: str | None = payload_field(
        "Where larger bytes go; null as long as this installation has no object store."
    )
    errors: list[MutationError] = errors_field()


@strawberry.type
class ArtifactMutations:
    @mutation(
        requires=[Scope.ARTIFACTS_WRITE],
        description="Create an artifact. A run's token creates those of its run, while the run's "
        "lease is held; others need the right to it. Safe to repeat with an id.",
        is_storing=True,
    )
    async def artifact_create(
        self,
        info: Info,
        input: Annotated[ArtifactCreateInput, strawberry.argument(description="What to create.")],
    ) -> ArtifactPayload:
        context = info.context
        metadata: Any = input.metadata
        new = NewArtifact(
            id=_parse(input.id, ids.Kind.ARTIFACT) or ids.new_id(),
            type=read_type(input.type),
            key=input.key,
            data=input.data,
            description=input.description,
            metadata=metadata,
            flow_run_id=_parse(input.flow_run_id, ids.Kind.FLOW_RUN),
            task_run_id=_parse(input.task_run_id, ids.Kind.TASK_RUN),
        )
        workspace_id = await _workspace_id(info, new, shown=input.workspace_id)
        async with context.work(workspace_id) as work:
            row, _ = await artifacts.create_artifact(work, new, grant=context.principal.run)
        return ArtifactPayload(artifact=show_artifact(row))

    @mutation(
        requires=[Scope.ARTIFACTS_WRITE],
        description="Change what an artifact says in place, such as how far something has come; "
        "the history of its key does not grow.",
        is_storing=True,
    )
    async def artifact_update(
        self,
        info: Info,
        input: Annotated[ArtifactUpdateInput, strawberry.argument(description="What changes.")],
    ) -> ArtifactPayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.ARTIFACT)
        workspace_id = await context.workspace_of(artifacts.get_many_artifacts, id_)
        changes = {
            "data": given(input.data),
            "description": given(input.description, is_nullable=True),
            "metadata": given(input.metadata),
        }
        async with context.work(workspace_id) as work:
            row = await artifacts.update_artifact(
                work,
                id_=id_,
                changes=changes,
                grant=context.principal.run,
                expected_version=input.expected_version,
            )
        return ArtifactPayload(artifact=show_artifact(row))


def _parse(shown: str | None, kind: ids.Kind) -> UUID | None:
    return None if shown is None else ids.parse(shown, kind=kind)


async def _workspace_id(info: Info, new: NewArtifact, *, shown: str | None) -> UUID:
    """Return where an artifact goes: where its run is, or what was named."""
    context = info.context
    if shown is not None:
        return workspace_id_of(shown)
    if new.flow_run_id is not None:
        return await context.workspace_of(get_many_flow_runs, new.flow_run_id)
    if new.task_run_id is not None:
        return await context.workspace_of(task_runs.get_many_task_runs, new.task_run_id)
    return context.own_workspace_id
