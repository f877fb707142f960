"""Failure groups: runs of a flow that failed alike."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.failure_groups import FailureGroup as GroupRow
from headgate_server.domain.failure_groups import FailureGroupStatus, GroupFilter, to_words
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    load_named,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.types.flow_runs import FlowRun, show_flow_run
from headgate_server.services import failure_groups, flows
from headgate_server.services.deployment_versions import get_many_versions

if TYPE_CHECKING:
    from headgate_server.graphql.types.deployment_versions import DeploymentVersion
    from headgate_server.graphql.types.flows import Flow

TYPES = "headgate_server.graphql.types"

strawberry.enum(
    FailureGroupStatus,
    description="What people have made of a group. REGRESSED was resolved, and failed again; a run "
    "of a version that had been replaced when it was resolved does not bring it back.",
)


@strawberry.type(description="Runs of one flow that failed alike: same exception, code, message.")
class FailureGroup(Node, Versioned):
    fingerprint: str = strawberry.field(description="Of type, own frames and message; in hex.")
    exception_type: str = strawberry.field(
        description="The exception's type; the state's name where there was none."
    )
    message: str = strawberry.field(
        description="Its message, with numbers, ids, paths and quoted values taken out."
    )
    frames: list[str] = strawberry.field(
        description="Where it failed in the user's own code, as file.py:function, innermost last."
    )
    status: FailureGroupStatus = strawberry.field(description="What people have made of it.")
    first_seen_at: datetime = strawberry.field(description="When a run first failed so.")
    last_seen_at: datetime = strawberry.field(description="When a run last failed so.")
    failure_count: int = strawberry.field(description="How often runs failed so, each time.")
    run_count: int = strawberry.field(description="How many runs failed so, each once.")
    regression_count: int = strawberry.field(description="How often it came back when resolved.")
    resolved_at: datetime | None = strawberry.field(description="When it was resolved last.")
    regressed_at: datetime | None = strawberry.field(description="When it came back last.")
    row: strawberry.Private[GroupRow]

    @strawberry.field(description="Who changed its status last; null where nobody has.")
    def changed_by(self) -> Actor | None:
        return show_actor(self.row.changed_by) if self.row.changed_by else None

    @scoped_field(requires=ANY_CREDENTIAL, description="The flow whose runs failed.")
    async def flow(self, info: Info) -> Annotated["Flow", strawberry.lazy(f"{TYPES}.flows")]:
        row, fetch = self.row, flows.get_many_flows
        return await load_named(info.context, fetch, row.flow_id, workspace_id=row.workspace_id)

    @scoped_field(
        requires=[Scope.FLOWS_READ],
        description="The oldest version of a deployment, by when it was deployed, of which a run "
        "failed so; null where only runs of no deployment have.",
    )
    async def first_version(
        self, info: Info
    ) -> Annotated["DeploymentVersion", strawberry.lazy(f"{TYPES}.deployment_versions")] | None:
        return await self.refer(info, get_many_versions, self.row.first_version_id)

    @scoped_field(
        requires=[Scope.FLOWS_READ],
        description="The version of the deployment's run that failed so last; null where only "
        "runs of no deployment have.",
    )
    async def last_version(
        self, info: Info
    ) -> Annotated["DeploymentVersion", strawberry.lazy(f"{TYPES}.deployment_versions")] | None:
        return await self.refer(info, get_many_versions, self.row.last_version_id)

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The runs that failed so, the one made last first; those that are kept.",
    )
    async def runs(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[FlowRun]:
        group_id, workspace_id = self.row.id, self.row.workspace_id
        listing: Listing[FlowRunRow] = Listing(
            of=fingerprint("failure_group_runs", group_id),
            key=lambda row: (row.id,),
            key_types=tuple[UUID],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await failure_groups.list_runs(work, group_id=group_id, page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await failure_groups.count_runs(work, group_id=group_id, cap=cap)

        return connect(rows, listing=listing, show=show_flow_run, count=count)

    async def refer(self, info: Info, fetch: Any, id_: UUID | None) -> Any:
        """Return what one of the row's references points to."""
        return await load(info.context, fetch, id_, workspace_id=self.row.workspace_id)


@strawberry.input(description="Which failure groups; all that is said must hold.")
class FailureGroupFilter:
    flow_id: strawberry.ID | None = strawberry.field(default=None, description="Of this flow.")
    statuses: list[FailureGroupStatus] | None = strawberry.field(
        default=None, description="In one of these."
    )
    text: str | None = strawberry.field(
        default=None,
        description="With every one of these words in its type, message or frames, whatever their "
        "case; at most 200 characters.",
    )

    def to_filter(self) -> GroupFilter:
        """Return the filter.

        Raises:
            InvalidId: not the id of a flow.
            InvalidInput: too long a text.
        """
        return GroupFilter(
            flow_id=ids.parse(self.flow_id, kind=ids.Kind.FLOW) if self.flow_id else None,
            statuses=None if self.statuses is None else tuple(self.statuses),
            words=to_words(self.text),
        )


def show_group(row: GroupRow) -> FailureGroup:
    """Return a failure group."""
    return FailureGroup(
        id=show_id(ids.Kind.FAILURE_GROUP, row.id),
        fingerprint=row.fingerprint,
        exception_type=row.exception_type,
        message=row.message,
        frames=list(row.frames),
        status=row.status,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        failure_count=row.failure_count,
        run_count=row.run_count,
        regression_count=row.regression_count,
        resolved_at=row.resolved_at,
        regressed_at=row.regressed_at,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    filter_: GroupFilter,
    first: int | None,
    after: Cursor | None,
) -> Connection[FailureGroup]:
    """Return a page of a workspace's failure groups, the one seen last first."""
    listing: Listing[GroupRow] = Listing(
        of=fingerprint("failure_groups", workspace_id, filter_),
        key=lambda row: (row.last_seen_at, row.id),
        key_types=tuple[datetime, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await failure_groups.list_groups(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await failure_groups.count_groups(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_group, count=count)


shows(GroupRow, by=show_group)
reads(
    ids.Kind.FAILURE_GROUP,
    by=NodeKind(fetch=failure_groups.get_many_groups, scope=Scope.RUNS_READ),
)
