"""The numbers that a workspace's first page shows, as a field of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain.pagination import COUNT_CAP
from headgate_server.domain.permissions import Scope
from headgate_server.domain.states import StateType
from headgate_server.domain.workspace_counts import DAY, LiveCounts, WindowCounts
from headgate_server.graphql.connections import Count
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.enums import CountPrecision
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.shapes.run_counts import StateCount
from headgate_server.services import workspace_counts

Window = Annotated[
    timedelta | None,
    strawberry.argument(
        description="How far back: whole hours, up to 180 days; a day if not said. It ends with "
        "the hour that has begun."
    ),
]


@strawberry.type(description="How many pools a workspace has, and what serves them.")
class PoolCounts:
    pools: int = strawberry.field(description="How many there are.")
    paused: int = strawberry.field(description="Those that a person has paused.")
    unserved: int = strawberry.field(description="Those that are not paused and have no agent.")
    agents_online: int = strawberry.field(description="Agents that are online, in all pools.")
    capacity: int = strawberry.field(description="How many runs those agents take at once.")
    taken: int = strawberry.field(description="How many runs agents hold.")


@strawberry.type(
    description="What a workspace's people look at first. Numbers of what is there now stop at "
    "10,000; those of the window are from hours that were counted, and any size."
)
class WorkspaceCounts:
    since: datetime = strawberry.field(description="When the window begins, on the hour.")
    running: Count = strawberry.field(description="Runs whose code runs.")
    pending: Count = strawberry.field(description="Runs that an agent took and starts.")
    paused: Count = strawberry.field(description="Runs that are paused or suspended.")
    cancelling: Count = strawberry.field(description="Runs that are being cancelled.")
    waiting: Count = strawberry.field(
        description="Runs that are due and that no agent has taken; late ones are among them."
    )
    scheduled: Count = strawberry.field(description="Runs that are due later.")
    late: Count = strawberry.field(description="Runs that wait beyond their threshold.")
    questions: Count = strawberry.field(description="Pauses that wait for somebody's answer.")
    failing: Count = strawberry.field(
        description="Failure groups, open or regressed, that were seen in the window."
    )
    in_window: list[StateCount] = strawberry.field(
        description="The runs that were due in the window, by the state they are in now."
    )
    before: list[StateCount] = strawberry.field(
        description="The same for as long a time before the window, to compare with."
    )
    workspace: strawberry.Private[UUID]

    @scoped_field(requires=[Scope.POOLS_READ], description="Its pools and their agents.")
    async def pools(self, info: Info) -> PoolCounts:
        async with info.context.work(self.workspace) as work:
            found = await workspace_counts.count_pools(work)
        return PoolCounts(
            pools=found.pools,
            paused=found.paused,
            unserved=found.unserved,
            agents_online=found.agents_online,
            capacity=found.capacity,
            taken=found.taken,
        )


def _count(found: int) -> Count:
    precision = CountPrecision.AT_LEAST if found > COUNT_CAP else CountPrecision.EXACT
    return Count(value=min(found, COUNT_CAP), precision=precision)


def _by_state(counts: Mapping[StateType, int]) -> list[StateCount]:
    return [StateCount(state=state, count=counts[state]) for state in StateType if state in counts]


def _show(live: LiveCounts, window: WindowCounts, *, workspace_id: UUID) -> WorkspaceCounts:
    return WorkspaceCounts(
        since=window.since,
        running=_count(live.running),
        pending=_count(live.pending),
        paused=_count(live.paused),
        cancelling=_count(live.cancelling),
        waiting=_count(live.waiting),
        scheduled=_count(live.scheduled),
        late=_count(live.late),
        questions=_count(live.questions),
        failing=_count(live.failing),
        in_window=_by_state(window.in_window),
        before=_by_state(window.before),
        workspace=workspace_id,
    )


@strawberry.type
class CountedWorkspace:
    """The numbers of a workspace, as a field of it."""

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="What its people look at first: what runs, waits, is late, and has ended.",
        directives=[Cost(weight=5)],
    )
    async def counts(self, info: Info, window: Window = None) -> WorkspaceCounts:
        async with info.context.work(self.workspace_id) as work:
            found = await workspace_counts.count_window(work, window=window or DAY)
            live = await workspace_counts.count_live(work, since=found.since)
        return _show(live, found, workspace_id=self.workspace_id)

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError
