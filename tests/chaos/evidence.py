"""What a chaos run left behind: the clients' calls, what user code wrote, and the database.

Read past the product's code, in plain values. All instants are seconds of this machine's clock.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate_server.domain import ids
from tests.chaos.history import Call
from tests.fixtures.records import Records


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run as it is now."""

    id: str
    type: str
    name: str
    sequence: int
    attempt: int = 0
    flow: str = ""
    policy: str = "CRASH"
    schedule_id: str = ""
    expected_start: float = 0
    ended_at: float | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """One row of a run's history."""

    run_id: str
    sequence: int
    type: str
    name: str
    at: float = 0
    by: str = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One accepted start of user code."""

    run_id: str
    number: int
    epoch: int
    started_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """An event of a run, or one that waits in the outbox."""

    id: str
    run_id: str
    name: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Fire:
    """One row of the ledger of schedules."""

    schedule_id: str
    at: float
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A schedule that fires every so many seconds; ``next_at`` has no run yet.

    It was made and stopped at those instants of the database's clock.
    """

    id: str
    every_seconds: float
    anchor: float
    first_at: float
    next_at: float
    made_at: float
    stopped_at: float


@dataclass(frozen=True, slots=True)
class Line:
    """What user code wrote."""

    run_id: str
    epoch: int
    pid: int
    at: float
    what: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the checker looks at."""

    began_at: float = 0
    ended_at: float = 0
    calls: Sequence[Call] = ()
    lines: Sequence[Line] = ()
    runs: Sequence[Run] = ()
    states: Sequence[Entered] = ()
    attempts: Sequence[Attempt] = ()
    items: Sequence[tuple[str, str]] = ()
    """Run and phase of each work item."""
    events: Sequence[Published] = ()
    outbox: Sequence[Published] = ()
    fires: Sequence[Fire] = ()
    schedules: Sequence[Interval] = ()
    tasks: dict[str, int] = field(default_factory=dict[str, int])
    """How many task runs of each run completed."""


_RUNS = """
select run.id, state_type, state_name, state_sequence, attempt, flow.name as flow,
  coalesce(deployment.on_agent_lost, 'CRASH') as policy, schedule_id,
  extract(epoch from expected_start)::float8 as expected_start,
  extract(epoch from ended_at)::float8 as ended_at, idempotency_key
from flow_runs run
join flows flow on flow.id = run.flow_id
left join deployments deployment on deployment.id = run.deployment_id
"""
_STATES = """
select flow_run_id, sequence, type, name, extract(epoch from timestamp)::float8 as at, actor_kind
from states order by flow_run_id, sequence
"""
_ATTEMPTS = """
select flow_run_id, number, epoch, extract(epoch from started_at)::float8 as started_at,
  extract(epoch from ended_at)::float8 as ended_at
from attempts order by flow_run_id, number
"""
_EVENTS = """
select {id} as id, resource_id, name, cast(payload #>> '{{state,sequence}}' as int) as sequence
from {table} where name like 'flow\\_run.%'
"""
_FIRES = "select schedule_id, extract(epoch from fire_at)::float8 as at, run_id from schedule_fires"
_SCHEDULES = """
select schedule.id, spec->>'everyUs' as every, spec->>'anchor' as anchor,
  extract(epoch from cast(spec->>'anchor' as timestamptz))::float8 as anchored_at,
  extract(epoch from next_fire_at)::float8 as next_at,
  extract(epoch from created_at)::float8 as made_at,
  extract(epoch from case when is_active then now() else updated_at end)::float8 as stopped_at,
  (select extract(epoch from min(fire_at))::float8 from schedule_fires fire
   where fire.schedule_id = schedule.id) as first_at
from schedules schedule where next_fire_at is not null
"""
_TASKS = """
select flow_run_id, count(*) as size from task_runs where state_type = 'COMPLETED' group by 1
"""


async def gather(
    records: Records, *, calls: Sequence[Call], executions: Path, began_at: float
) -> Evidence:
    """Read everything; nothing may be under way any more."""
    items = await records.rows("select run_id, phase from work_items")
    tasks = await records.rows(_TASKS)
    return Evidence(
        began_at=began_at,
        ended_at=time.time(),
        calls=tuple(calls),
        lines=read_lines(executions),
        runs=[_run(row) for row in await records.rows(_RUNS)],
        states=[
            Entered(
                shown(row["flow_run_id"]),
                row["sequence"],
                row["type"],
                row["name"],
                row["at"],
                row["actor_kind"],
            )
            for row in await records.rows(_STATES)
        ],
        attempts=await read_attempts(records.rows),
        items=[(shown(row["run_id"]), row["phase"]) for row in items],
        events=await _published(records, table="events", id_="id"),
        outbox=await _published(records, table="outbox", id_="event_id"),
        fires=[
            Fire(str(row["schedule_id"]), row["at"], row["run_id"] and shown(row["run_id"]))
            for row in await records.rows(_FIRES)
        ],
        schedules=[_interval(row) for row in await records.rows(_SCHEDULES)],
        tasks={shown(row["flow_run_id"]): row["size"] for row in tasks},
    )


async def read_attempts(rows: Callable[[str], Awaitable[Iterable[Any]]]) -> list[Attempt]:
    """Return the attempts of all runs, in the order of each run's."""
    return [
        Attempt(
            shown(row["flow_run_id"]),
            row["number"],
            row["epoch"],
            row["started_at"],
            row["ended_at"],
        )
        for row in await rows(_ATTEMPTS)
    ]


def read_lines(path: Path) -> list[Line]:
    """Return what user code wrote, with instants of the wall clock."""
    if not path.exists():
        return []
    offset = time.time() - time.monotonic()
    return [
        Line(run_id, int(epoch), int(pid), float(at) + offset, what)
        for run_id, epoch, pid, at, what in map(str.split, path.read_text().splitlines())
    ]


def shown(id_: Any) -> str:
    """Return a run's id as the API shows it."""
    return ids.show(ids.Kind.FLOW_RUN, id_)


def _run(row: Any) -> Run:
    return Run(
        id=shown(row["id"]),
        type=row["state_type"],
        name=row["state_name"],
        sequence=row["state_sequence"],
        attempt=row["attempt"],
        flow=row["flow"],
        policy=row["policy"],
        schedule_id=str(row["schedule_id"] or ""),
        expected_start=row["expected_start"],
        ended_at=row["ended_at"],
        key=row["idempotency_key"] or "",
    )


def _interval(row: Any) -> Interval:
    return Interval(
        id=str(row["id"]),
        every_seconds=int(row["every"]) / 1e6,
        anchor=row["anchored_at"],
        first_at=row["first_at"] or row["next_at"],
        next_at=row["next_at"],
        made_at=row["made_at"],
        stopped_at=row["stopped_at"],
    )


async def _published(records: Records, *, table: str, id_: str) -> list[Published]:
    rows = await records.rows(_EVENTS.format(table=table, id=id_))
    return [
        Published(str(row["id"]), row["resource_id"], row["name"], row["sequence"]) for row in rows
    ]
