"""Deployments: flows with their code, parameters, place to run, and promises."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import filters, ids
from headgate_server.domain.deployments import AgentLostPolicy, CollisionPolicy
from headgate_server.domain.deployments import Deployment as DeploymentRow
from headgate_server.domain.durations import RunOwner
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.beginnings import claim
from headgate_server.graphql.shapes.filters import FlowRunFilter
from headgate_server.graphql.shapes.json_values import as_json
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    load_named,
    load_part,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.shapes.single_objects import read_existing, visible
from headgate_server.graphql.types import backfills as backfill_lists
from headgate_server.graphql.types import deployment_versions as version_lists
from headgate_server.graphql.types.durations import Measured
from headgate_server.graphql.types.flow_runs import FlowRun
from headgate_server.graphql.types.flow_runs import list_of as list_flow_runs
from headgate_server.graphql.types.schedules import Schedule, show_schedule
from headgate_server.graphql.types.sla_rules import PromisingRuns
from headgate_server.services import deployments, flows, work_pools, work_queues
from headgate_server.services.deployment_versions import get_many_versions
from headgate_server.services.schedules.read import get_many_of_deployments
from headgate_server.services.schedules.upcoming import get_many_upcoming

if TYPE_CHECKING:
    from headgate_server.graphql.types.flows import Flow
    from headgate_server.graphql.types.work_pools import WorkPool
    from headgate_server.graphql.types.work_queues import WorkQueue

strawberry.enum(
    AgentLostPolicy,
    description="What follows when the agent of a running run falls silent. CRASH waits, then "
    "ends the run; RETRY starts it again once the old process cannot run any more.",
)

strawberry.enum(
    CollisionPolicy,
    description="What follows when a run is made while as many as may be are there already. "
    "ENQUEUE: it waits. CANCEL_NEW: it is cancelled. CANCEL_OLD: the oldest are cancelled for it. "
    "COALESCE: it is cancelled if another of its key waits already, and waits otherwise.",
)

TYPES = "headgate_server.graphql.types"
Runs = Annotated[
    FlowRunFilter | None, strawberry.argument(description="Only the runs that match this.")
]


@strawberry.type(description="How many runs of a deployment may be held at once.")
class DeploymentConcurrency:
    limit: int = strawberry.field(description="How many; with 0 none starts.")
    on_collision: CollisionPolicy = strawberry.field(
        description="What follows when one more is made."
    )
    parameter: str | None = strawberry.field(
        description="COALESCE: the parameter whose value is a run's key, unless the run names one; "
        "null puts all runs under one key."
    )


@strawberry.type(description="A flow that can be run by schedule, by the API or by a person.")
class Deployment(PromisingRuns, Node, Versioned):
    name: str = strawberry.field(description="Unique in its flow; 1 to 200 characters.")
    paused: bool = strawberry.field(description="Whether its schedules and waiting runs stand.")
    entrypoint: str | None = strawberry.field(description="path/file.py:function.")
    parameters: JSON = strawberry.field(description="What its runs are called with by default.")
    parameter_schema: JSON | None = strawberry.field(description="JSON Schema of parameters.")
    enforce_parameter_schema: bool = strawberry.field(
        description="Whether runs with other parameters are refused."
    )
    job_variables: JSON = strawberry.field(
        description="Its job variables, over the defaults of its pool's template."
    )
    description: str | None = strawberry.field(description="Markdown; at most 10,000 characters.")
    pull_steps: JSON | None = strawberry.field(description="How an agent gets the code.")
    blocks: list[str] | None = strawberry.field(
        description="The blocks that its runs may use, as type-slug/name or type-slug/*; null is "
        "every block of the workspace."
    )
    starts: list[str] | None = strawberry.field(
        description="The deployments that its runs may start, as flow/deployment or flow/*; null "
        "is every deployment of the workspace."
    )
    on_agent_lost: AgentLostPolicy = strawberry.field(
        description="What follows when an agent falls silent."
    )
    abandon_after: timedelta = strawberry.field(
        description="CRASH: how long a silent run may go on; 1 minute to 24 hours."
    )
    fence: timedelta = strawberry.field(
        description="RETRY: when the old process is certainly gone; at least three leases."
    )
    infrastructure_retries: int = strawberry.field(
        description="RETRY: how often a run starts again; 0 to 20."
    )
    late_threshold: timedelta = strawberry.field(
        description="How long after it was due a run is late; 1 second to 24 hours."
    )
    concurrency: DeploymentConcurrency | None = strawberry.field(
        description="How many of its runs may be held at once; null is no limit."
    )
    row: strawberry.Private[DeploymentRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Its tags, sorted; at most 50.")
    async def tags(self, info: Info) -> list[str]:
        return list(await self.read(info, deployments.get_many_tags) or ())

    @scoped_field(requires=ANY_CREDENTIAL, description="The flow it runs.")
    async def flow(self, info: Info) -> Annotated["Flow", strawberry.lazy(f"{TYPES}.flows")]:
        row, fetch = self.row, flows.get_many_flows
        return await load_named(info.context, fetch, row.flow_id, workspace_id=row.workspace_id)

    @scoped_field(
        requires=[Scope.POOLS_READ], description="Where its runs wait; null if agents never run it."
    )
    async def work_pool(
        self, info: Info
    ) -> Annotated["WorkPool", strawberry.lazy(f"{TYPES}.work_pools")] | None:
        return await self.refer(info, work_pools.get_many_work_pools, self.row.work_pool_id)

    @scoped_field(requires=[Scope.POOLS_READ], description="Its queue in that pool.")
    async def work_queue(
        self, info: Info
    ) -> Annotated["WorkQueue", strawberry.lazy(f"{TYPES}.work_queues")] | None:
        return await self.refer(info, work_queues.get_many_work_queues, self.row.work_queue_id)

    @scoped_field(requires=ANY_CREDENTIAL, description="When it runs by itself, by slug.")
    async def schedules(self, info: Info) -> list[Schedule]:
        rows = await self.read(info, get_many_of_deployments) or ()
        claim(info.context, len(rows))
        return [show_schedule(row) for row in rows]

    @scoped_field(requires=ANY_CREDENTIAL, description="The version that new runs are made of.")
    async def current_version(self, info: Info) -> version_lists.DeploymentVersion | None:
        row, fetch = self.row, get_many_versions
        return await load_part(
            info.context, fetch, row.current_version_id, workspace_id=row.workspace_id
        )

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What it has been, the newest first; the last 500 are kept.",
    )
    async def versions(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[version_lists.DeploymentVersion]:
        return await version_lists.list_of(
            info,
            workspace_id=self.row.workspace_id,
            deployment_id=self.row.id,
            first=first,
            after=after,
        )

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="The next instants of all its schedules within fifty years, in order; fewer "
        "where they fire so seldom that looking for more would take too long.",
    )
    async def upcoming_runs(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many: 1 to 100.")] = 10,
    ) -> list[datetime]:
        return list(await self.read(info, _upcoming(first)) or ())

    @scoped_field(
        requires=[Scope.RUNS_READ], description="Its runs, the latest expected start first."
    )
    async def runs(
        self, info: Info, first: First = None, after: After = None, filter: Runs = None
    ) -> Connection[FlowRun]:
        own = filters.DeploymentFilter(id=filters.IdFilter(eq=self.row.id))
        asked = (filter.to_filter(),) if filter else ()
        return await list_flow_runs(
            info,
            workspace_id=self.row.workspace_id,
            on=self.row.id,
            filter_=filters.FlowRunFilter(deployment=own, and_=asked),
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.RUNS_READ], description="Its backfills, the newest first.")
    async def backfills(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[backfill_lists.Backfill]:
        return await backfill_lists.list_of(
            info,
            workspace_id=self.row.workspace_id,
            deployment_id=self.row.id,
            first=first,
            after=after,
        )

    @property
    def measured(self) -> Measured:
        """Return whose runs are measured."""
        return Measured(self.row.workspace_id, RunOwner.DEPLOYMENT, self.row.id)

    async def read(self, info: Info, fetch: Any) -> Any:
        """Return what is read by the deployment's own id."""
        return await info.context.load(fetch, self.row.id, workspace_id=self.row.workspace_id)

    async def refer(self, info: Info, fetch: Any, id_: UUID | None) -> Any:
        """Return what one of the row's references points to."""
        return await load(info.context, fetch, id_, workspace_id=self.row.workspace_id)


@lru_cache(maxsize=128)
def _upcoming(
    limit: int,
) -> Callable[[UnitOfWork, list[UUID]], Awaitable[dict[UUID, list[datetime]]]]:
    """Return one and the same reader for one limit, so that its loads make one batch."""

    async def read(work: UnitOfWork, wanted: list[UUID]) -> dict[UUID, list[datetime]]:
        return await get_many_upcoming(work, wanted, limit=limit)

    return read


def _concurrency(row: DeploymentRow) -> DeploymentConcurrency | None:
    if row.concurrency_limit is None:
        return None
    return DeploymentConcurrency(
        limit=row.concurrency_limit,
        on_collision=row.on_collision,
        parameter=row.collision_parameter,
    )


def show_deployment(row: DeploymentRow) -> Deployment:
    """Return a deployment."""
    return Deployment(
        id=show_id(ids.Kind.DEPLOYMENT, row.id),
        name=row.name,
        paused=row.is_paused,
        entrypoint=row.entrypoint,
        parameters=JSON(row.parameters),
        parameter_schema=as_json(row.parameter_schema),
        enforce_parameter_schema=row.is_schema_enforced,
        job_variables=JSON(row.job_variables),
        description=row.description,
        pull_steps=as_json(row.pull_steps),
        blocks=row.block_references,
        starts=row.start_references,
        on_agent_lost=row.on_agent_lost,
        abandon_after=row.abandon_after,
        fence=row.fence,
        infrastructure_retries=row.infrastructure_retries,
        late_threshold=row.late_threshold,
        concurrency=_concurrency(row),
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


async def find_by_name(info: Info, *, workspace_id: UUID, name: str) -> Deployment | None:
    """Return the deployment of a name; to who holds rights on it alone, too."""
    among = visible(info.context, workspace_id)
    find = partial(deployments.find_by_name, name=name, among=among)
    row = await read_existing(info.context, workspace_id, find)
    return show_deployment(row) if row else None


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    filter_: filters.DeploymentFilter | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Deployment]:
    """Return a page of deployments by name."""
    listing: Listing[DeploymentRow] = Listing(
        of=fingerprint("deployments", workspace_id, filter_),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await deployments.list_deployments(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await deployments.count_deployments(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_deployment, count=count)


shows(DeploymentRow, by=show_deployment)
reads(
    ids.Kind.DEPLOYMENT,
    by=NodeKind(fetch=deployments.get_many_deployments, scope=Scope.FLOWS_READ),
)
