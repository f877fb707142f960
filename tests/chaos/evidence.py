"""What a chaos run left behind: the clients' calls, what user code wrote, and the database.

Read past the product's code, in plain values. All instants are seconds of this machine's clock.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate_server.domain import ids
from tests.chaos.history import Call
from tests.chaos.terms import LOGGED, Terms
from tests.fixtures.records import Records


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run as it is now.

    Args:
        deployment: the name of its deployment; empty where it has none.
        root: the run in whose process it was made; empty where it is inside of none.
    """

    id: str
    type: str
    name: str
    sequence: int
    attempt: int = 0
    flow: str = ""
    deployment: str = ""
    root: str = ""
    schedule_id: str = ""
    expected_start: float = 0
    ended_at: float | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """One row of a run's history.

    Args:
        by: what kind of actor had the run enter it.
        retry_at: when the next attempt of a flow that failed is due; None for anything else.
        gives_back: whether it waits for that without a process.
    """

    run_id: str
    sequence: int
    type: str
    name: str
    at: float = 0
    by: str = "run"
    retry_at: float | None = None
    gives_back: bool = False


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
    """An event of a run, or one that waits in the outbox.

    Args:
        sequence: of the state that it tells of; None where it tells of something else.
        position: its place in the stream of all events.
    """

    id: str
    run_id: str
    name: str
    sequence: int | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Fire:
    """One row of the ledger of schedules."""

    schedule_id: str
    at: float
    run_id: str | None
    outcome: str = "CREATED"


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
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What user code wrote.

    Args:
        parent: the process that started its process, unless that had ended by then.
    """

    run_id: str
    epoch: int
    pid: int
    at: float
    what: str
    parent: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the checker looks at.

    Args:
        terms: of the deployments by their names, and of runs inside others by their flow.
        is_spared: whether no process of an agent or a run was touched; what was broken was ours.
    """

    terms: Mapping[str, Terms] = field(default_factory=dict[str, Terms])
    is_spared: bool = False
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
    logs: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """How often each run said what in its log."""


_RUNS = """
select run.id, state_type, state_name, state_sequence, attempt, flow.name as flow,
  coalesce(deployment.name, '') as deployment, root_run_id, schedule_id,
  extract(epoch from expected_start)::float8 as expected_start,
  extract(epoch from ended_at)::float8 as ended_at, idempotency_key
from flow_runs run
join flows flow on flow.id = run.flow_id
left join deployments deployment on deployment.id = run.deployment_id
"""
_STATES = """
select flow_run_id, sequence, type, name, extract(epoch from timestamp)::float8 as at, actor_kind,
  extract(epoch from cast(details ->> 'retryAt' as timestamptz))::float8 as retry_at,
  jsonb_exists(details, 'givesBack') as gives_back
from states order by flow_run_id, sequence
"""
_ATTEMPTS = """
select flow_run_id, number, epoch, extract(epoch from started_at)::float8 as started_at,
  extract(epoch from ended_at)::float8 as ended_at
from attempts order by flow_run_id, number
"""
_EVENTS = """
select {id} as id, resource_id, name, cast(payload #>> '{{state,sequence}}' as int) as sequence,
  {position} as position
from {table} where name like 'flow\\_run.%' order by {position}
"""
_FIRES = """
select schedule_id, extract(epoch from fire_at)::float8 as at, run_id, outcome from schedule_fires
"""
_SCHEDULES = """
select schedule.id, deployment.name as deployment, spec->>'everyUs' as every,
  extract(epoch from cast(spec->>'anchor' as timestamptz))::float8 as anchored_at,
  extract(epoch from coalesce(next_fire_at, schedule.created_at))::float8 as next_at,
  extract(epoch from schedule.created_at)::float8 as made_at,
  extract(epoch from case when is_active then now() else schedule.updated_at end)::float8
    as stopped_at,
  (select extract(epoch from min(fire_at))::float8 from schedule_fires fire
   where fire.schedule_id = schedule.id) as first_at
from schedules schedule join deployments deployment on deployment.id = schedule.deployment_id
"""
_TASKS = """
select flow_run_id, count(*) as size from task_runs where state_type = 'COMPLETED' group by 1
"""

_LOGS = """
select flow_run_id, message, count(*) as size from logs where message = any($1) group by 1, 2
"""


async def gather(
    records: Records,
    *,
    calls: Sequence[Call],
    executions: Path,
    began_at: float,
    terms: Mapping[str, Terms],
    is_spared: bool,
) -> Evidence:
    """Read everything; nothing may be under way any more."""
    items = await records.rows("select run_id, phase from work_items")
    tasks = await records.rows(_TASKS)
    logs = await records.rows(_LOGS, list(LOGGED))
    return Evidence(
        terms=terms,
        is_spared=is_spared,
        began_at=began_at,
        ended_at=time.time(),
        calls=tuple(calls),
        lines=read_lines(executions),
        runs=[_run(row) for row in await records.rows(_RUNS)],
        states=[_entered(row) for row in await records.rows(_STATES)],
        attempts=await read_attempts(records.rows),
        items=[(shown(row["run_id"]), row["phase"]) for row in items],
        events=await _published(records, table="events", id_="id", position="sequence"),
        outbox=await _published(records, table="outbox", id_="event_id", position="id"),
        fires=[_fire(row) for row in await records.rows(_FIRES)],
        schedules=[_interval(row) for row in await records.rows(_SCHEDULES)],
        tasks={shown(row["flow_run_id"]): row["size"] for row in tasks},
        logs={(shown(row["flow_run_id"]), row["message"]): row["size"] for row in logs},
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
        Line(run_id, int(epoch), int(pid), float(at) + offset, what, int(parent))
        for run_id, epoch, pid, at, what, parent in map(str.split, path.read_text().splitlines())
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
        deployment=row["deployment"],
        root=shown(row["root_run_id"]) if row["root_run_id"] else "",
        schedule_id=str(row["schedule_id"] or ""),
        expected_start=row["expected_start"],
        ended_at=row["ended_at"],
        key=row["idempotency_key"] or "",
    )


def _entered(row: Any) -> Entered:
    return Entered(
        run_id=shown(row["flow_run_id"]),
        sequence=row["sequence"],
        type=row["type"],
        name=row["name"],
        at=row["at"],
        by=row["actor_kind"],
        retry_at=row["retry_at"],
        gives_back=row["gives_back"],
    )


def _fire(row: Any) -> Fire:
    return Fire(
        schedule_id=str(row["schedule_id"]),
        at=row["at"],
        run_id=shown(row["run_id"]) if row["run_id"] else None,
        outcome=row["outcome"],
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
        deployment=row["deployment"],
    )


async def _published(records: Records, *, table: str, id_: str, position: str) -> list[Published]:
    rows = await records.rows(_EVENTS.format(table=table, id=id_, position=position))
    return [
        Published(str(row["id"]), row["resource_id"], row["name"], row["sequence"], row["position"])
        for row in rows
    ]
