"""Flow runs: executions of flows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.flow_runs import (
    FlowRunOrder as FlowRunRowOrder,
)
from headgate_server.domain.flow_runs import FlowRunOrderField, FlowRunPayload, LateCause
from headgate_server.domain.pagination import Page, PageRequest, fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import (
    After,
    Before,
    Connection,
    First,
    Last,
    Listing,
    connect,
)
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.enums import Direction
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.attempts import Attempt, show_attempt
from headgate_server.graphql.shapes.beginnings import claim
from headgate_server.graphql.shapes.filters import LogFilter, TaskRunFilter
from headgate_server.graphql.shapes.json_values import as_json
from headgate_server.graphql.shapes.nodes import (
    NodeKind,
    Versioned,
    load,
    load_named,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.shapes.runs import Run
from headgate_server.graphql.shapes.states import State, show_state, state_of_flow_run
from headgate_server.graphql.types import artifacts as artifact_lists
from headgate_server.graphql.types import blockers as blocker_lists
from headgate_server.graphql.types import logs as log_lists
from headgate_server.graphql.types import pauses as pause_lists
from headgate_server.graphql.types import reruns as rerun_plans
from headgate_server.graphql.types import task_runs as task_lists
from headgate_server.graphql.types.leases import RunLease, show_lease
from headgate_server.graphql.types.run_graphs import GraphedRun
from headgate_server.services import deployments, failure_groups, flows, pauses, work_pools
from headgate_server.services import task_runs as task_run_services
from headgate_server.services import work_queues as work_queue_services
from headgate_server.services.deployment_versions import get_many_versions
from headgate_server.services.flow_runs import read

if TYPE_CHECKING:
    from headgate_server.graphql.types.deployment_versions import DeploymentVersion
    from headgate_server.graphql.types.deployments import Deployment
    from headgate_server.graphql.types.failure_groups import FailureGroup
    from headgate_server.graphql.types.flows import Flow
    from headgate_server.graphql.types.work_pools import WorkPool
    from headgate_server.graphql.types.work_queues import WorkQueue

strawberry.enum(LateCause, description="Why a run did not start in time.")

strawberry.enum(FlowRunOrderField, description="What a list of runs is sorted by.")

TYPES = "headgate_server.graphql.types"
MAX_TASK_RUN_FILTER = Annotated[
    TaskRunFilter | None, strawberry.argument(description="Only the task runs that match this.")
]


@strawberry.type(description="One execution of a flow.")
class FlowRun(GraphedRun, Run, Versioned):
    expected_start: datetime | None = strawberry.field(description="When it is or was due.")
    lateness: timedelta | None = strawberry.field(
        description="How long after it was due it started; null until it has."
    )
    attempt: int = strawberry.field(description="How often user code was started.")
    priority: int = strawberry.field(description="-1,000 to 1,000; high first in its queue.")
    idempotency_key: str | None = strawberry.field(description="As it was created with.")
    late_cause: LateCause | None = strawberry.field(
        description="Why it is late; null if it is not."
    )
    unresponsive_since: datetime | None = strawberry.field(
        description="Since when its holder has been silent; null while it is heard."
    )
    cancel_requested_at: datetime | None = strawberry.field(
        description="When someone asked for it to be cancelled."
    )
    row: strawberry.Private[FlowRunRow]

    @strawberry.field(description="Who asked for it.")
    def created_by(self) -> Actor | None:
        return show_actor(self.row.created_by)

    @strawberry.field(description="What made it: the schedule and instant, for instance.")
    def triggered_by(self) -> JSON | None:
        return as_json(self.row.triggered_by)

    @scoped_field(requires=ANY_CREDENTIAL, description="The flow it executes.")
    async def flow(self, info: Info) -> Annotated["Flow", strawberry.lazy(f"{TYPES}.flows")]:
        row, fetch = self.row, flows.get_many_flows
        return await load_named(info.context, fetch, row.flow_id, workspace_id=row.workspace_id)

    @scoped_field(requires=[Scope.FLOWS_READ], description="Its deployment; null for a local run.")
    async def deployment(
        self, info: Info
    ) -> Annotated["Deployment", strawberry.lazy(f"{TYPES}.deployments")] | None:
        return await self.refer(info, deployments.get_many_deployments, self.row.deployment_id)

    @scoped_field(
        requires=[Scope.FLOWS_READ],
        description="The version of its deployment that it executes; null for a local run, and for "
        "one of a version that is not kept any more.",
    )
    async def deployment_version(
        self, info: Info
    ) -> Annotated["DeploymentVersion", strawberry.lazy(f"{TYPES}.deployment_versions")] | None:
        return await self.refer(info, get_many_versions, self.row.deployment_version_id)

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The runs that failed like it did last; null where it never failed, and for a "
        "second after it has.",
    )
    async def failure_group(
        self, info: Info
    ) -> Annotated["FailureGroup", strawberry.lazy(f"{TYPES}.failure_groups")] | None:
        return await self.refer(info, failure_groups.get_many_of_runs, self.row.id)

    @scoped_field(requires=[Scope.POOLS_READ], description="Where it waits; null for a local run.")
    async def work_pool(
        self, info: Info
    ) -> Annotated["WorkPool", strawberry.lazy(f"{TYPES}.work_pools")] | None:
        return await self.refer(info, work_pools.get_many_work_pools, self.row.work_pool_id)

    @scoped_field(
        requires=[Scope.POOLS_READ], description="Its queue in that pool; null for a local run."
    )
    async def work_queue(
        self, info: Info
    ) -> Annotated["WorkQueue", strawberry.lazy(f"{TYPES}.work_queues")] | None:
        return await self.refer(
            info, work_queue_services.get_many_work_queues, self.row.work_queue_id
        )

    @scoped_field(
        requires=[Scope.RUNS_READ], description="The task run that stands for it in its parent."
    )
    async def parent_task_run(self, info: Info) -> task_lists.TaskRun | None:
        fetch = task_run_services.get_many_task_runs
        return await self.refer(info, fetch, self.row.parent_task_run_id)

    @scoped_field(
        requires=ANY_CREDENTIAL, description="What the flow is called with; at most 512 KiB."
    )
    async def parameters(self, info: Info) -> JSON:
        payload: FlowRunPayload | None = await self.read(info, read.get_many_payloads)
        return JSON(payload.parameters if payload else {})

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Its own job variables, over its deployment's and the defaults of its pool.",
    )
    async def job_variables(self, info: Info) -> JSON | None:
        payload: FlowRunPayload | None = await self.read(info, read.get_many_payloads)
        return as_json(payload.job_variables) if payload else None

    @scoped_field(requires=ANY_CREDENTIAL, description="Every start of user code, in order.")
    async def attempts(self, info: Info) -> list[Attempt]:
        rows = await self.read(info, read.get_many_attempts) or ()
        claim(info.context, len(rows))
        return [show_attempt(row, workspace_id=self.row.workspace_id) for row in rows]

    @scoped_field(
        requires=ANY_CREDENTIAL, description="Who executes it now; null when nobody does."
    )
    async def lease(self, info: Info) -> RunLease | None:
        item = await self.read(info, read.get_many_leases)
        return show_lease(item) if item else None

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Why it is not running, the nearest cause first; empty where it runs, has "
        "ended, or nothing holds it up.",
        directives=[Cost(weight=blocker_lists.WEIGHT, list_size=10)],
    )
    async def why_not_running(self, info: Info) -> list[blocker_lists.Blocker]:
        row = self.row
        return await blocker_lists.list_of_run(
            info, run_id=row.id, workspace_id=row.workspace_id, deployment_id=row.deployment_id
        )

    @scoped_field(
        requires=ANY_CREDENTIAL, description="What it waits at; null where it is not paused."
    )
    async def pause(self, info: Info) -> pause_lists.Pause | None:
        row = await self.read(info, pauses.get_many_waiting)
        return pause_lists.show_pause(row) if row else None

    @scoped_field(
        requires=ANY_CREDENTIAL, description="Everything it ever asked, in the order it did."
    )
    async def pauses(self, info: Info) -> list[pause_lists.Pause]:
        rows = await self.read(info, pauses.get_many_of_runs) or ()
        claim(info.context, len(rows))
        return [pause_lists.show_pause(row) for row in rows]

    @scoped_field(requires=[Scope.RUNS_READ], description="Its task runs, in the order they began.")
    async def task_runs(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: MAX_TASK_RUN_FILTER = None,
    ) -> Connection[task_lists.TaskRun]:
        own = filters.IdFilter(eq=self.row.id)
        asked = (filter.to_filter(),) if filter else ()
        return await task_lists.list_of(
            info,
            workspace_id=self.row.workspace_id,
            on=self.row.deployment_id,
            filter_=filters.TaskRunFilter(flow_run_id=own, and_=asked),
            first=first,
            after=after,
        )

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description=rerun_plans.ABOUT_PREVIEW,
        directives=[Cost(weight=50)],
    )
    async def retry_preview(
        self,
        info: Info,
        from_failed: rerun_plans.FromFailed = False,  # noqa: FBT002 - an argument of the API
        from_task_run_ids: rerun_plans.FromTaskRunIds = None,
    ) -> rerun_plans.RetryPreview:
        return await rerun_plans.preview(
            info,
            workspace_id=self.row.workspace_id,
            on=self.row.deployment_id,
            run_id=self.row.id,
            request=rerun_plans.to_request(from_failed, from_task_run_ids),
        )

    @scoped_field(
        requires=[Scope.LOGS_READ],
        description="Its log, in the order received; pages of up to 1,000 lines.",
        directives=[Cost(weight=1, list_size=log_lists.MAX_PAGE_SIZE)],
    )
    async def logs(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: log_lists.Filter = None,
    ) -> Connection[log_lists.LogLine]:
        return await log_lists.list_lines(
            info,
            workspace_id=self.row.workspace_id,
            on=self.row.deployment_id,
            flow_run_id=self.row.id,
            filter_=(filter or LogFilter()).to_filter(),
            first=first,
            after=after,
            last=last,
            before=before,
        )

    @scoped_field(
        requires=[Scope.ARTIFACTS_READ],
        description="What it and its tasks left, the newest first.",
    )
    async def artifacts(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[artifact_lists.Artifact]:
        return await artifact_lists.list_of(
            info,
            workspace_id=self.row.workspace_id,
            on=self.row.deployment_id,
            filter_=filters.ArtifactFilter(flow_run_id=filters.IdFilter(eq=self.row.id)),
            first=first,
            after=after,
        )

    async def refer(self, info: Info, fetch: Any, id_: UUID | None) -> Any:
        """Return what one of the row's references points to."""
        return await load(info.context, fetch, id_, workspace_id=self.row.workspace_id)

    async def read(self, info: Info, fetch: Any) -> Any:
        """Return what is read by the run's own id."""
        return await info.context.load(fetch, self.row.id, workspace_id=self.row.workspace_id)

    async def read_tags(self, info: Info) -> list[str]:
        return list(await self.read(info, read.get_many_tags) or ())

    async def read_states(self, info: Info, page: PageRequest) -> Page[State]:
        workspace_id = self.row.workspace_id
        async with info.context.work(workspace_id) as work:
            rows = await read.page_states(work, flow_run_id=self.row.id, page=page)
        states = [show_state(row, workspace_id=workspace_id) for row in rows.items]
        return Page(states, has_next=rows.has_next, has_previous=rows.has_previous)


def show_flow_run(row: FlowRunRow) -> FlowRun:
    """Return a flow run."""
    return FlowRun(
        id=show_id(ids.Kind.FLOW_RUN, row.id),
        name=row.name,
        state=state_of_flow_run(row),
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration=row.duration,
        version=row.version,
        updated_at=row.updated_at,
        expected_start=row.expected_start,
        lateness=row.lateness,
        attempt=row.attempt,
        priority=row.priority,
        idempotency_key=row.idempotency_key,
        late_cause=row.late_cause,
        unresponsive_since=row.unresponsive_since,
        cancel_requested_at=row.cancel_requested_at,
        row=row,
    )


@strawberry.input(description="How a list of runs is sorted; every order ends in the id.")
class FlowRunOrder:
    field: FlowRunOrderField = strawberry.field(
        default=FlowRunOrderField.EXPECTED_START, description="By what."
    )
    direction: Direction = strawberry.field(
        default=Direction.DESC, description="DESC, the greatest first, if not said."
    )


_KEYS: dict[FlowRunOrderField, tuple[Callable[[FlowRunRow], Any], Any]] = {
    FlowRunOrderField.EXPECTED_START: (lambda row: row.expected_start, datetime | None),
    FlowRunOrderField.STARTED_AT: (lambda row: row.started_at, datetime | None),
    FlowRunOrderField.ENDED_AT: (lambda row: row.ended_at, datetime | None),
    FlowRunOrderField.NAME: (lambda row: row.name, str),
}


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    on: UUID | None = None,
    filter_: filters.FlowRunFilter | None,
    order: FlowRunOrder | None = None,
    first: int | None = None,
    after: Cursor | None = None,
    last: int | None = None,
    before: Cursor | None = None,
) -> Connection[FlowRun]:
    """Return a page of a workspace's runs; those of one deployment where ``on`` is that."""
    asked = order or FlowRunOrder()
    row_order = FlowRunRowOrder(asked.field, is_descending=asked.direction is Direction.DESC)
    value, value_type = _KEYS[asked.field]
    listing: Listing[FlowRunRow] = Listing(
        of=fingerprint("flow_runs", workspace_id, filter_, row_order),
        key=lambda row: (value(row), row.id),
        key_types=tuple[value_type, UUID],
    )
    page = listing.request(first=first, after=after, last=last, before=before)
    async with info.context.work(workspace_id, on=on) as work:
        rows = await read.list_flow_runs(work, page=page, filter=filter_, order=row_order)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id, on=on) as work:
            return await read.count_flow_runs(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_flow_run, count=count)


shows(FlowRunRow, by=show_flow_run)
reads(
    ids.Kind.FLOW_RUN,
    by=NodeKind(
        fetch=read.get_many_flow_runs,
        scope=Scope.RUNS_READ,
        whole_of=lambda row: row.deployment_id,
    ),
)
