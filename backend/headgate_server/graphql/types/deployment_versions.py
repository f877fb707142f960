"""Versions of deployments: what each was, who made it, and what it changed."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.deployment_versions import DeploymentVersion as VersionRow
from headgate_server.domain.deployment_versions import Difference, differences
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.beginnings import claim
from headgate_server.graphql.shapes.json_values import as_json
from headgate_server.graphql.shapes.nodes import Node, NodeKind, load_named, reads, show_id, shows
from headgate_server.services import deployment_versions, deployments

if TYPE_CHECKING:
    from headgate_server.graphql.types.deployments import Deployment

_NAMES = {
    "is_schema_enforced": "enforceParameterSchema",
    "parameter_schema": "parameterSchema",
    "job_variables": "jobVariables",
    "pull_steps": "pullSteps",
    "on_agent_lost": "onAgentLost",
    "infrastructure_retries": "infrastructureRetries",
    "work_pool_id": "workPoolId",
    "work_queue_id": "workQueueId",
    "abandon_after_ms": "abandonAfterMs",
    "fence_ms": "fenceMs",
    "late_threshold_ms": "lateThresholdMs",
}
_KINDS = {"work_pool_id": ids.Kind.WORK_POOL, "work_queue_id": ids.Kind.WORK_QUEUE}


@strawberry.type(description="One place at which two versions differ.")
class DeploymentVersionChange:
    path: list[str] = strawberry.field(
        description="A field of content, and inside an object the names that lead to the value."
    )
    before: JSON | None = strawberry.field(description="What was there; null where nothing was.")
    after: JSON | None = strawberry.field(description="What is there; null where nothing is.")


@strawberry.type(description="What a deployment was from one change to the next.")
class DeploymentVersion(Node):
    number: int = strawberry.field(description="Counts the versions of the deployment, from 1.")
    label: str | None = strawberry.field(description="As it was deployed with.")
    git: JSON | None = strawberry.field(description="Commit, branch and so on, as deployed.")
    created_at: datetime = strawberry.field(description="When it was deployed.")
    is_current: bool = strawberry.field(description="Whether new runs are made of it.")
    row: strawberry.Private[VersionRow]

    @strawberry.field(description="Who deployed it.")
    def created_by(self) -> Actor | None:
        return show_actor(self.row.created_by)

    @strawberry.field(
        description="All that it keeps of the deployment: code, parameters and their schema, "
        "place, promises and tags."
    )
    def content(self) -> JSON:
        return JSON(show_content(self.row))

    @scoped_field(requires=ANY_CREDENTIAL, description="The deployment that it is of.")
    async def deployment(
        self, info: Info
    ) -> Annotated["Deployment", strawberry.lazy("headgate_server.graphql.types.deployments")]:
        shown: Any = await load_named(
            info.context,
            deployments.get_many_deployments,
            self.row.deployment_id,
            workspace_id=self.row.workspace_id,
        )
        return shown

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What it changed: against the version before, or another one of the same "
        "deployment. At most 500 places; none for the first.",
    )
    async def changes(
        self,
        info: Info,
        since: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="The version to compare with, by its id."),
        ] = None,
    ) -> list[DeploymentVersionChange]:
        workspace_id = self.row.workspace_id
        if since is None:
            fetch, key = deployment_versions.get_many_before, self.row.id
        else:
            fetch = deployment_versions.get_many_versions
            key = ids.parse(since, kind=ids.Kind.DEPLOYMENT_VERSION)
        before = await info.context.load(fetch, key, workspace_id=workspace_id)
        if since is not None and (before is None or before.deployment_id != self.row.deployment_id):
            raise InvalidInput("There is no such version of this deployment.", path=["since"])
        if before is None:
            return []
        found = differences(show_content(before), show_content(self.row))
        claim(info.context, len(found))
        return [_show_change(difference) for difference in found]


def show_content(row: VersionRow) -> dict[str, Any]:
    """Return a version's content by the names of the API."""
    return {_NAMES.get(name, name): _value(name, value) for name, value in row.content.items()}


def _value(name: str, value: Any) -> Any:
    kind = _KINDS.get(name)
    return value if kind is None or value is None else ids.show(kind, UUID(value))


def _show_change(difference: Difference) -> DeploymentVersionChange:
    return DeploymentVersionChange(
        path=list(difference.path),
        before=as_json(difference.before),
        after=as_json(difference.after),
    )


def show_version(row: VersionRow) -> DeploymentVersion:
    """Return a version of a deployment."""
    return DeploymentVersion(
        id=show_id(ids.Kind.DEPLOYMENT_VERSION, row.id),
        number=row.number,
        label=row.label,
        git=as_json(row.git),
        created_at=row.created_at,
        is_current=row.is_current,
        row=row,
    )


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    deployment_id: UUID,
    first: int | None,
    after: Cursor | None,
) -> Connection[DeploymentVersion]:
    """Return a page of a deployment's versions, the newest first."""
    listing: Listing[VersionRow] = Listing(
        of=fingerprint("deployment_versions", deployment_id),
        key=lambda row: (row.number,),
        key_types=tuple[int],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await deployment_versions.list_versions(work, deployment_id=deployment_id, page=page)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await deployment_versions.count_versions(
                work, deployment_id=deployment_id, cap=cap
            )

    return connect(rows, listing=listing, show=show_version, count=count)


shows(VersionRow, by=show_version)
reads(
    ids.Kind.DEPLOYMENT_VERSION,
    by=NodeKind(
        fetch=deployment_versions.get_many_versions,
        scope=Scope.FLOWS_READ,
        whole_of=lambda row: row.deployment_id,
    ),
)
