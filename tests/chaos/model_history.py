"""What a chaos run leaves behind in which every promise was kept, made by hand.

``steady`` fails once and is lost once before it completes; ``tolerant`` is late and then cancelled;
``ticking`` is of a schedule; ``fatal`` kills its process; ``asked`` is to start later.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tests.chaos.event_rules import CREATED, event_of
from tests.chaos.evidence import (
    Attempt,
    Entered,
    Evidence,
    Fire,
    Interval,
    Line,
    Published,
    Run,
)
from tests.chaos.history import Call, Operation, Outcome
from tests.chaos.terms import LOGGED, Terms

T = TypeVar("T")

TYPES = {
    "Late": "SCHEDULED",
    "AwaitingRetry": "SCHEDULED",
    "Retrying": "RUNNING",
}
AUTHORS = {"Scheduled": "user", "Late": "system", "Pending": "agent_session", "Cancelling": "user"}


def entered(run_id: str, **at: float) -> list[Entered]:
    """Return states by their names, which are told apart by what follows two underscores."""
    names = [name.partition("__")[0] for name in at]
    return [
        Entered(
            run_id,
            number,
            TYPES.get(name, name.upper()),
            name,
            at=instant,
            by=AUTHORS.get(name, "run"),
        )
        for number, (name, instant) in enumerate(zip(names, at.values(), strict=True), start=1)
    ]


def told(states: Sequence[Entered]) -> list[Published]:
    """Return the events of some states."""
    return [
        Published(
            f"event-{state.run_id}-{state.sequence}",
            state.run_id,
            event_of(state.name) if state.sequence > 1 else CREATED,
            state.sequence if state.sequence > 1 else None,
            position=round(state.at * 100),
        )
        for state in states
    ]


def changed(rows: Sequence[Any], place: int, **changes: Any) -> tuple[Any, ...]:
    """Return the rows with one of them changed."""
    return (*rows[:place], replace(rows[place], **changes), *rows[place + 1 :])


def without(rows: Sequence[T], place: int) -> tuple[T, ...]:
    """Return the rows but for one of them."""
    return (*rows[:place], *rows[place + 1 :])


TERMS = {
    "steady": Terms("steady", policy="RETRY", infrastructure_retries=1, retries=1, tasks=1),
    "tolerant": Terms("tolerant", late_seconds=1),
    "ticking": Terms("ticking", every_seconds=(2,), tasks=1),
    "fatal": Terms("fatal", frozenset({"CRASHED"})),
    "asked": Terms("asked"),
}
STEADY = entered(
    "steady",
    Scheduled=10.0,
    Pending=10.1,
    Running=10.2,
    AwaitingRetry=10.5,
    Retrying=10.7,
    AwaitingRetry__again=14.0,
    Pending__again=19.1,
    Running__again=19.2,
    Completed=20.0,
)
STEADY[3] = replace(STEADY[3], retry_at=10.6)
TOLERANT = entered(
    "tolerant",
    Scheduled=10.0,
    Late=11.5,
    Pending=12.0,
    Running=12.1,
    Cancelling=13.0,
    Cancelled=13.5,
)
TICKING = entered("ticking", Scheduled=9.0, Pending=10.0, Running=10.1, Completed=10.5)
FATAL = entered("fatal", Scheduled=10.0, Pending=10.1, Running=10.2, Crashed=10.4)
ASKED = entered("asked", Scheduled=10.0, Pending=12.0, Running=12.1, Completed=12.5)
STATES = (*STEADY, *TOLERANT, *TICKING, *FATAL, *ASKED)


def run(states: Sequence[Entered], **more: Any) -> Run:
    """Return the run that has come to the last of these states."""
    last = states[-1]
    values: dict[str, Any] = {
        "expected_start": 10.0,
        "attempt": sum(state.type == "RUNNING" for state in states),
        "ended_at": last.at,
        "deployment": last.run_id,
        "flow": last.run_id,
        "key": f"key-{last.run_id}",
    }
    return Run(last.run_id, last.type, last.name, last.sequence, **values | more)


def call(operation: Operation, run_id: str = "steady", **more: Any) -> Call:
    """Return a call that was carried out, after healing."""
    values: dict[str, Any] = {"began_at": 9.9, "ended_at": 10.0, "is_after_healing": True}
    if operation is Operation.CREATE:
        values |= {"key": f"key-{run_id}", "deployment": run_id}
    outcome = more.pop("outcome", Outcome.OK)
    return Call("client", operation, outcome, run_id=run_id, **values | more)


RUNS = (
    run(STEADY),
    run(TOLERANT),
    run(TICKING, key="", schedule_id="every"),
    run(FATAL),
    run(ASKED, expected_start=12.0),
)
CALLS = (
    call(Operation.CREATE),
    call(Operation.CREATE),
    call(Operation.CREATE, "tolerant"),
    call(Operation.CREATE, "fatal"),
    call(Operation.CREATE, "asked", start_at=12.0),
    call(Operation.READ, "tolerant", began_at=12.2, ended_at=12.3, answer="RUNNING", sequence=4),
    call(
        Operation.CANCEL, "tolerant", began_at=12.9, ended_at=13.1, answer="CANCELLING", sequence=5
    ),
    call(Operation.TRESPASS, outcome=Outcome.REFUSED, answer="NOT_FOUND: no such run"),
    call(Operation.STALE, outcome=Outcome.REFUSED, answer="LEASE_LOST: not yours"),
)
LINES = (
    Line("steady", 1, 100, 10.2, "begun"),
    Line("steady", 1, 100, 10.3, "alive"),
    Line("steady", 1, 100, 10.8, "begun"),
    Line("steady", 4, 200, 19.3, "begun"),
    Line("steady", 4, 200, 19.9, "ended"),
    Line("tolerant", 1, 300, 12.2, "begun"),
    Line("tolerant", 1, 300, 13.4, "alive"),
    Line("ticking", 1, 400, 10.2, "begun"),
    Line("ticking", 1, 400, 10.4, "ended"),
    Line("fatal", 1, 500, 10.3, "begun"),
    Line("asked", 1, 600, 12.2, "begun"),
    Line("asked", 1, 600, 12.4, "ended"),
)
ATTEMPTS = (
    Attempt("steady", 1, 1, 10.2, 10.5),
    Attempt("steady", 2, 1, 10.7, 14.0),
    Attempt("steady", 3, 4, 19.2, 20.0),
    Attempt("tolerant", 1, 1, 12.1, 13.5),
    Attempt("ticking", 1, 1, 10.1, 10.5),
    Attempt("fatal", 1, 1, 10.2, 10.4),
    Attempt("asked", 1, 1, 12.1, 12.5),
)
EVENTS = (
    *told(STATES),
    Published("silent", "steady", "flow_run.unresponsive", position=1200),
    Published("back", "steady", "flow_run.responsive", position=1210),
)
FIRE = Fire("every", 10.0, "ticking")
SCHEDULE = Interval(
    "every",
    every_seconds=2,
    anchor=0,
    first_at=10,
    next_at=12,
    made_at=9,
    stopped_at=11,
    deployment="ticking",
)
MODEL = Evidence(
    terms=TERMS,
    began_at=1,
    ended_at=30,
    calls=CALLS,
    lines=LINES,
    runs=RUNS,
    states=STATES,
    attempts=ATTEMPTS,
    events=EVENTS,
    fires=(FIRE,),
    schedules=(SCHEDULE,),
    tasks={"steady": 1, "ticking": 1},
    logs=dict(Counter((line.run_id, line.what) for line in LINES if line.what in LOGGED)),
)
