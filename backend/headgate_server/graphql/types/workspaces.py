"""Workspaces: the walls inside an organization, and everything that lies within them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.domain.run_counts import make_buckets
from headgate_server.domain.workspaces import Workspace as WorkspaceRow
from headgate_server.graphql.connections import After, Before, Connection, First, Last
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Key
from headgate_server.graphql.shapes.filters import (
    DeploymentFilter,
    EventFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
)
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load_named,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.shapes.run_counts import RunBucket, show_buckets
from headgate_server.graphql.types import artifacts as artifact_lists
from headgate_server.graphql.types import assets as asset_lists
from headgate_server.graphql.types import backfills as backfill_lists
from headgate_server.graphql.types import background_tasks as background_lists
from headgate_server.graphql.types import blocks as block_lists
from headgate_server.graphql.types import cache_records as cache_lists
from headgate_server.graphql.types import concurrency_limits as limit_lists
from headgate_server.graphql.types import deployments as deployment_lists
from headgate_server.graphql.types import events as event_lists
from headgate_server.graphql.types import failure_groups as failure_group_lists
from headgate_server.graphql.types import flow_runs as flow_run_lists
from headgate_server.graphql.types import flows as flow_lists
from headgate_server.graphql.types import log_searches as searched
from headgate_server.graphql.types import pauses as pause_lists
from headgate_server.graphql.types import saved_views as viewed
from headgate_server.graphql.types import sla_rules as promises
from headgate_server.graphql.types import task_runs as task_run_lists
from headgate_server.graphql.types import variables as variable_lists
from headgate_server.graphql.types import work_pools as work_pool_lists
from headgate_server.graphql.types import workspace_counts as counted
from headgate_server.services import flows, organizations, workspaces
from headgate_server.services.flow_runs.counts import read_counts

if TYPE_CHECKING:
    from headgate_server.graphql.types.organizations import Organization

_NARROWED = "Only those that match this."
Flows = Annotated[FlowFilter | None, strawberry.argument(description=_NARROWED)]
Deployments = Annotated[DeploymentFilter | None, strawberry.argument(description=_NARROWED)]
FlowRuns = Annotated[FlowRunFilter | None, strawberry.argument(description=_NARROWED)]
TaskRuns = Annotated[TaskRunFilter | None, strawberry.argument(description=_NARROWED)]
Events = Annotated[EventFilter, strawberry.argument(description=_NARROWED)]
Order = Annotated[
    flow_run_lists.FlowRunOrder | None,
    strawberry.argument(description="By expected start, the latest first, if not said."),
]
Name = Annotated[str, strawberry.argument(description="Its name, exactly.")]


@strawberry.type(description="How long a workspace keeps what has ended; live runs stay.")
class WorkspaceRetention:
    runs_days: int = strawberry.field(description="Runs with their states and task runs.")
    logs_days: int = strawberry.field(description="The logs of runs; at most as long as runs.")
    events_days: int = strawberry.field(description="Events.")


@strawberry.type(description="Where flows, runs and their configuration live.")
class Workspace(
    artifact_lists.WorkspaceArtifacts,
    asset_lists.WorkspaceAssets,
    cache_lists.WorkspaceCacheRecords,
    background_lists.WorkspaceBackgroundTasks,
    counted.CountedWorkspace,
    promises.PromisingWorkspace,
    searched.SearchedWorkspace,
    viewed.ViewedWorkspace,
    Node,
    Versioned,
):
    slug: str = strawberry.field(description="Its name in addresses; unique in the organization.")
    name: str = strawberry.field(description="For people; 1 to 200 characters.")
    archived_at: datetime | None = strawberry.field(
        description="Since when it can only be read; null where it is open."
    )
    retention: WorkspaceRetention = strawberry.field(
        description="How long it keeps what has ended, in days."
    )
    row: strawberry.Private[WorkspaceRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="The organization it belongs to.")
    async def organization(
        self, info: Info
    ) -> Annotated["Organization", strawberry.lazy("headgate_server.graphql.types.organizations")]:
        fetch = organizations.get_many_organizations
        shown: Any = await load_named(
            info.context, fetch, self.row.organization_id, workspace_id=None
        )
        return shown

    @scoped_field(requires=ANY_CREDENTIAL, description="What the caller may do in it, by name.")
    def viewer_scopes(self, info: Info) -> list[Scope]:
        return sorted(info.context.principal.scopes_in(self.row.id))

    @scoped_field(requires=[Scope.FLOWS_READ], description="The flow of a name.")
    async def flow(self, info: Info, name: Name) -> flow_lists.Flow | None:
        async with info.context.work(self.workspace_id) as work:
            row = await flows.find_by_name(work, name=name)
        return flow_lists.show_flow(row) if row else None

    @scoped_field(requires=[Scope.FLOWS_READ], description="The deployment of a name.")
    async def deployment(
        self,
        info: Info,
        name: Annotated[
            str, strawberry.argument(description="flow/name, or its own name where that is enough.")
        ],
    ) -> deployment_lists.Deployment | None:
        return await deployment_lists.find_by_name(info, workspace_id=self.workspace_id, name=name)

    @scoped_field(requires=[Scope.POOLS_READ], description="The work pool of a name.")
    async def work_pool(self, info: Info, name: Name) -> work_pool_lists.WorkPool | None:
        return await work_pool_lists.find_by_name(info, workspace_id=self.workspace_id, name=name)

    @scoped_field(requires=[Scope.FLOWS_READ], description="Its flows, by name.")
    async def flows(
        self, info: Info, first: First = None, after: After = None, filter: Flows = None
    ) -> Connection[flow_lists.Flow]:
        return await flow_lists.list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=filter.to_filter() if filter else None,
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.FLOWS_READ], description="Its deployments, by name.")
    async def deployments(
        self, info: Info, first: First = None, after: After = None, filter: Deployments = None
    ) -> Connection[deployment_lists.Deployment]:
        return await deployment_lists.list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=filter.to_filter() if filter else None,
            first=first,
            after=after,
        )

    @scoped_field(
        requires=[Scope.RUNS_READ], description="Its flow runs.", directives=[Cost(weight=2)]
    )
    async def flow_runs(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: FlowRuns = None,
        order_by: Order = None,
    ) -> Connection[flow_run_lists.FlowRun]:
        return await flow_run_lists.list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=filter.to_filter() if filter else None,
            order=order_by,
            first=first,
            after=after,
            last=last,
            before=before,
        )

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="How many runs were due in each bucket, by the state they are in. Those of "
        "whole hours begin on the hour, and are quick where only a flow or deployment is asked "
        "for: past 100,000 runs in changed hours, older ones are told as they were counted last.",
        directives=[Cost(weight=10, list_size=1)],
    )
    async def run_histogram(
        self,
        info: Info,
        from_: Annotated[
            datetime, strawberry.argument(name="from", description="When the first one begins.")
        ],
        to: Annotated[datetime, strawberry.argument(description="Before when the last one ends.")],
        bucket: Annotated[
            timedelta,
            strawberry.argument(description="A minute or more; 500 buckets at most."),
        ],
        filter: FlowRuns = None,
    ) -> list[RunBucket]:
        buckets = make_buckets(from_, to, size=bucket)
        async with info.context.work(self.workspace_id) as work:
            counts = await read_counts(
                work, buckets=buckets, filter=filter.to_filter() if filter else None
            )
        return show_buckets(buckets, counts)

    @scoped_field(requires=[Scope.RUNS_READ], description="Its backfills, the newest first.")
    async def backfills(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[backfill_lists.Backfill]:
        return await backfill_lists.list_of(
            info, workspace_id=self.workspace_id, deployment_id=None, first=first, after=after
        )

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="What its runs wait for an answer to, the oldest first.",
    )
    async def pauses(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[pause_lists.Pause]:
        return await pause_lists.list_waiting(
            info, workspace_id=self.workspace_id, first=first, after=after
        )

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="Its runs that failed, in groups of those that failed alike, the one seen last "
        "first.",
    )
    async def failure_groups(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: Annotated[
            failure_group_lists.FailureGroupFilter | None,
            strawberry.argument(description=_NARROWED),
        ] = None,
    ) -> Connection[failure_group_lists.FailureGroup]:
        asked = filter or failure_group_lists.FailureGroupFilter()
        return await failure_group_lists.list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=asked.to_filter(),
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.RUNS_READ], description="Its task runs, by flow run.")
    async def task_runs(
        self, info: Info, first: First = None, after: After = None, filter: TaskRuns = None
    ) -> Connection[task_run_lists.TaskRun]:
        return await task_run_lists.list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=filter.to_filter() if filter else None,
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.POOLS_READ], description="Its work pools, by name.")
    async def work_pools(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[work_pool_lists.WorkPool]:
        return await work_pool_lists.list_of(
            info, workspace_id=self.workspace_id, first=first, after=after
        )

    @scoped_field(requires=[Scope.FLOWS_READ], description="The concurrency limit of a name.")
    async def concurrency_limit(
        self, info: Info, name: Annotated[Key, strawberry.argument(description="Its name.")]
    ) -> limit_lists.ConcurrencyLimit | None:
        return await limit_lists.find_by_name(info, workspace_id=self.workspace_id, name=name)

    @scoped_field(requires=[Scope.FLOWS_READ], description="Its concurrency limits, by name.")
    async def concurrency_limits(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[limit_lists.ConcurrencyLimit]:
        return await limit_lists.list_of(
            info, workspace_id=self.workspace_id, first=first, after=after
        )

    @scoped_field(requires=[Scope.VARIABLES_READ], description="The variable of a name.")
    async def variable(
        self, info: Info, name: Annotated[Key, strawberry.argument(description="Its name.")]
    ) -> variable_lists.Variable | None:
        return await variable_lists.find_by_name(info, workspace_id=self.workspace_id, name=name)

    @scoped_field(requires=[Scope.VARIABLES_READ], description="Its variables, by name.")
    async def variables(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: variable_lists.Named = None,
    ) -> Connection[variable_lists.Variable]:
        return await variable_lists.list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=filter.to_filter() if filter else None,
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.BLOCKS_READ], description="The block type of a slug.")
    async def block_type(
        self,
        info: Info,
        slug: Annotated[str, strawberry.argument(description="Its slug, exactly.")],
    ) -> block_lists.BlockType | None:
        return await block_lists.find_type(info, workspace_id=self.workspace_id, slug=slug)

    @scoped_field(requires=[Scope.BLOCKS_READ], description="Its block types, by slug.")
    async def block_types(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[block_lists.BlockType]:
        return await block_lists.list_types(
            info, workspace_id=self.workspace_id, first=first, after=after
        )

    @scoped_field(requires=[Scope.BLOCKS_READ], description="The block of a type and name.")
    async def block_document(
        self, info: Info, reference: block_lists.Reference
    ) -> block_lists.BlockDocument | None:
        return await block_lists.find_document(
            info, workspace_id=self.workspace_id, reference=reference
        )

    @scoped_field(requires=[Scope.BLOCKS_READ], description="Its blocks, by name.")
    async def block_documents(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: block_lists.Named = None,
        type_slug: block_lists.OfType = None,
        capability: block_lists.Capable = None,
    ) -> Connection[block_lists.BlockDocument]:
        return await block_lists.list_documents(
            info,
            workspace_id=self.workspace_id,
            filter_=block_lists.filter_of(filter, type_slug=type_slug, capability=capability),
            first=first,
            after=after,
        )

    @scoped_field(
        requires=[Scope.EVENTS_READ], description="Its events.", directives=[Cost(weight=5)]
    )
    async def events(
        self, info: Info, filter: Events, first: First = None, after: After = None
    ) -> Connection[event_lists.Event]:
        return await event_lists.list_of(
            info, workspace_id=self.workspace_id, filter_=filter, first=first, after=after
        )

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the row."""
        return self.row.id


def show_workspace(row: WorkspaceRow) -> Workspace:
    """Return a workspace."""
    return Workspace(
        id=show_id(ids.Kind.WORKSPACE, row.id),
        slug=row.slug,
        name=row.name,
        archived_at=row.archived_at,
        retention=WorkspaceRetention(
            runs_days=row.runs_kept_days,
            logs_days=row.logs_kept_days,
            events_days=row.events_kept_days,
        ),
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


shows(WorkspaceRow, by=show_workspace)
reads(
    ids.Kind.WORKSPACE,
    by=NodeKind(
        fetch=workspaces.get_many_workspaces,
        scope=Scope.ORG_READ,
        is_of_organization=True,
        workspace_of=lambda row: row.id,
    ),
)
