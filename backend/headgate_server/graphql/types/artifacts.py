"""Artifacts: what runs leave for people to look at."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids
from headgate_server.domain.artifacts import Artifact as ArtifactRow
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.filters import StringFilter
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    reads,
    show_id,
    shows,
)
from headgate_server.services import artifacts, task_runs
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.flow_runs import FlowRun
    from headgate_server.graphql.types.task_runs import TaskRun

TYPES = "headgate_server.graphql.types"


@strawberry.input(description="Narrows a list of artifacts.")
class ArtifactFilter:
    key: StringFilter | None = strawberry.field(default=None, description="By key.")
    type: StringFilter | None = strawberry.field(
        default=None, description="By type: markdown, table, link, image, progress, result."
    )
    latest_per_key: bool | None = strawberry.field(
        default=None,
        description="Only the latest of each key; artifacts without a key are left out then.",
    )

    def to_filter(self) -> filters.ArtifactFilter:
        """Return the filter."""
        return filters.ArtifactFilter(
            key=self.key.to_filter() if self.key else None,
            type=self.type.to_filter() if self.type else None,
            is_latest=self.latest_per_key,
        )


Artifacts = Annotated[
    ArtifactFilter | None, strawberry.argument(description="Only those that match this.")
]


@strawberry.type(description="What a run left for people to look at.")
class Artifact(Node, Versioned):
    key: str | None = strawberry.field(
        description="Artifacts of one key are the history of one thing; null for a single one."
    )
    type: str = strawberry.field(
        description="What its data is: markdown (a text), table (rows, as objects or lists, or an "
        "object of columns), link (url and text), image (url), progress (0 to 100), result (any)."
    )
    description: str | None = strawberry.field(description="In Markdown, for people.")
    metadata: JSON = strawberry.field(description="What else is known of it: an object.")
    size_bytes: int = strawberry.field(description="How long its data is as JSON.")
    created_at: datetime = strawberry.field(description="When it was made.")
    download_url: str | None = strawberry.field(
        description="Where its bytes lie; null as long as this installation has no object store: "
        "data has them all, up to 1 MiB."
    )
    row: strawberry.Private[ArtifactRow]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What it shows, by its type; at most 1 MiB. Lists of artifacts are light "
        "without it.",
        directives=[Cost(weight=5)],
    )
    async def data(self, info: Info) -> JSON | None:
        row = self.row
        found = await info.context.load(
            artifacts.get_many_data, row.id, workspace_id=row.workspace_id
        )
        return None if found is None else JSON(found)

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The run that left it; null where none did, or it is gone.",
    )
    async def flow_run(
        self, info: Info
    ) -> Annotated["FlowRun", strawberry.lazy(f"{TYPES}.flow_runs")] | None:
        return await self.refer(info, get_many_flow_runs, self.row.flow_run_id)

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The task run that left it; null where none did, or it is gone.",
    )
    async def task_run(
        self, info: Info
    ) -> Annotated["TaskRun", strawberry.lazy(f"{TYPES}.task_runs")] | None:
        return await self.refer(info, task_runs.get_many_task_runs, self.row.task_run_id)

    async def refer(self, info: Info, fetch: Any, id_: UUID | None) -> Any:
        """Return what one of the row's references points to."""
        return await load(info.context, fetch, id_, workspace_id=self.row.workspace_id)


def show_artifact(row: ArtifactRow) -> Artifact:
    """Return an artifact."""
    return Artifact(
        id=show_id(ids.Kind.ARTIFACT, row.id),
        key=row.key,
        type=row.type.value,
        description=row.description,
        metadata=JSON(row.metadata),
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        download_url=None,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    on: UUID | None = None,
    filter_: filters.ArtifactFilter | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Artifact]:
    """Return a page of artifacts, the newest first."""
    listing: Listing[ArtifactRow] = Listing(
        of=fingerprint("artifacts", workspace_id, filter_),
        key=lambda row: (row.created_at, row.id),
        key_types=tuple[datetime, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id, on=on) as work:
        rows = await artifacts.list_artifacts(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id, on=on) as work:
            return await artifacts.count_artifacts(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_artifact, count=count)


@strawberry.type
class WorkspaceArtifacts:
    """The artifacts of a workspace, as fields of it."""

    @scoped_field(requires=[Scope.ARTIFACTS_READ], description="Its artifacts, the newest first.")
    async def artifacts(
        self, info: Info, first: First = None, after: After = None, filter: Artifacts = None
    ) -> Connection[Artifact]:
        return await list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=filter.to_filter() if filter else None,
            first=first,
            after=after,
        )

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError


shows(ArtifactRow, by=show_artifact)
reads(
    ids.Kind.ARTIFACT,
    by=NodeKind(
        fetch=artifacts.get_many_artifacts,
        scope=Scope.ARTIFACTS_READ,
        part_of=(get_many_flow_runs, lambda row: row.flow_run_id),
    ),
)
