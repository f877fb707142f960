"""The judge of chaos runs, on histories made by hand: a good one, and one for each fault."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import CHECKS, judge
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

RUN = Run(
    "run_1",
    "COMPLETED",
    "Completed",
    6,
    attempt=2,
    flow="quick",
    policy="RETRY",
    ended_at=20.0,
    key="key",
    schedule_id="every",
    expected_start=10.0,
)
NAMES = ("SCHEDULED", "PENDING", "RUNNING", "SCHEDULED", "RUNNING", "COMPLETED")
STATES = tuple(
    Entered("run_1", number, name, name.capitalize(), at=10.0 + number)
    for number, name in enumerate(NAMES, start=1)
)
EVENTS = (
    Published("event-1", "run_1", "flow_run.created"),
    *(
        Published(f"event-{state.sequence}", "run_1", "flow_run.x", state.sequence)
        for state in STATES[1:]
    ),
    Published("event-7", "run_1", "flow_run.unresponsive"),
)
CALLS = tuple(
    Call(
        "client",
        Operation.CREATE,
        Outcome.OK,
        began_at=9,
        ended_at=10,
        run_id="run_1",
        key="key",
        is_after_healing=True,
    )
    for _ in range(5)
)
LINES = (
    Line("run_1", 1, 100, 13.0, "begun"),
    Line("run_1", 1, 100, 13.5, "alive"),
    Line("run_1", 3, 200, 15.0, "begun"),
    Line("run_1", 3, 200, 16.0, "ended"),
)
GOOD = Evidence(
    began_at=1,
    ended_at=30,
    calls=CALLS,
    lines=LINES,
    runs=(RUN,),
    states=STATES,
    attempts=(Attempt("run_1", 1, 1, 13.0, 14.0), Attempt("run_1", 2, 3, 15.0, 20.0)),
    events=EVENTS,
    fires=(Fire("every", 10.0, "run_1"),),
    schedules=(
        Interval(
            "every", every_seconds=2, anchor=0, first_at=10, next_at=12, made_at=9, stopped_at=11
        ),
    ),
    tasks={"run_1": 1},
)
LATE = Entered("run_1", 2, "SCHEDULED", "Late", at=12.0)
OPEN = replace(GOOD.attempts[0], ended_at=None)
STUCK = replace(RUN, type="RUNNING", name="Running", ended_at=None)
CALL = CALLS[0]
INTERNAL = replace(
    CALL, operation=Operation.CANCEL, outcome=Outcome.REFUSED, answer="INTERNAL: who knows"
)
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("nothing_lost", {"calls": (*CALLS, replace(CALL, run_id="run_2", key=""))}),
    ("nothing_lost", {"runs": (STUCK,)}),
    ("nothing_lost", {"items": (("run_1", "READY"),)}),
    (
        "one_live_attempt",
        {"attempts": (OPEN, GOOD.attempts[1])},
    ),
    ("one_live_attempt", {"attempts": (GOOD.attempts[0], replace(GOOD.attempts[1], epoch=0))}),
    ("one_start_an_epoch", {"lines": (*LINES, replace(LINES[3], pid=300))}),
    ("one_start_an_epoch", {"attempts": GOOD.attempts[1:]}),
    ("no_overlap", {"lines": (*LINES, replace(LINES[0], at=15.5))}),
    ("legal_history", {"states": STATES[1:]}),
    ("legal_history", {"states": (*STATES[:5], replace(STATES[5], type="PENDING"))}),
    ("legal_history", {"runs": (replace(RUN, attempt=1),)}),
    ("sane_clock", {"states": (*STATES[:5], replace(STATES[5], at=86_400.0))}),
    ("sane_clock", {"states": (*STATES[:5], replace(STATES[5], at=11.0))}),
    ("each_instant_once", {"fires": (*GOOD.fires, *GOOD.fires)}),
    ("each_instant_once", {"runs": (replace(RUN, schedule_id=""),)}),
    ("each_instant_once", {"schedules": (replace(GOOD.schedules[0], next_at=14),)}),
    ("each_instant_once", {"schedules": (replace(GOOD.schedules[0], made_at=7),)}),
    ("each_instant_once", {"schedules": (replace(GOOD.schedules[0], stopped_at=12.5),)}),
    ("one_effect_a_key", {"runs": (RUN, replace(RUN, id="run_2"))}),
    ("one_effect_a_key", {"calls": (*CALLS, replace(CALL, run_id="run_2"))}),
    ("late_once_an_episode", {"states": (STATES[0], LATE, replace(LATE, sequence=3))}),
    ("each_transition_told_once", {"outbox": EVENTS[:1]}),
    ("each_transition_told_once", {"events": EVENTS[1:]}),
    ("each_transition_told_once", {"events": (*EVENTS, EVENTS[0])}),
    ("each_transition_told_once", {"events": (*EVENTS, replace(EVENTS[2], sequence=9))}),
    ("ended_means_ended", {"lines": (*LINES, replace(LINES[3], at=22.0))}),
    (
        "ended_means_ended",
        {"calls": (*CALLS, replace(CALL, operation=Operation.CANCEL)), "runs": (STUCK,)},
    ),
    ("complete_record", {"tasks": {}}),
    ("walls_hold", {"calls": (*CALLS, replace(CALL, operation=Operation.TRESPASS))}),
    ("old_epochs_are_dead", {"calls": (*CALLS, replace(CALL, operation=Operation.STALE))}),
]


def test_a_good_run_is_well() -> None:
    verdict = judge(GOOD)

    assert (verdict.word, verdict.violations, verdict.doubts) == ("OK", (), ())


@pytest.mark.parametrize(("rule", "change"), FAULTS)
def test_each_fault_is_seen_by_its_rule(rule: str, change: dict[str, Any]) -> None:
    verdict = judge(replace(GOOD, **change))

    assert verdict.word == "VIOLATED"
    assert rule in {violation.rule for violation in verdict.violations}


def test_every_rule_has_a_fault_that_it_sees() -> None:
    assert {rule for rule, _ in FAULTS} == {check.__name__ for check in CHECKS}


def test_a_refused_trespass_and_a_refused_stale_write_are_well() -> None:
    refused = [
        replace(CALL, operation=operation, outcome=Outcome.REFUSED)
        for operation in (Operation.TRESPASS, Operation.STALE)
    ]

    assert judge(replace(GOOD, calls=(*refused, *CALLS))).is_well


def test_a_run_given_up_under_crash_may_have_gone_on() -> None:
    given_up = replace(RUN, type="CRASHED", name="Crashed", policy="CRASH")
    states = (*STATES[:5], replace(STATES[5], type="CRASHED", name="Crashed"))
    went_on = (*LINES, replace(LINES[3], at=25.0))

    assert judge(replace(GOOD, runs=(given_up,), states=states, lines=went_on)).is_well


@pytest.mark.parametrize(
    "calls",
    [
        (),
        (*[replace(CALL, outcome=Outcome.UNKNOWN, is_after_healing=False)] * 2, *CALLS),
        (*CALLS, replace(CALL, outcome=Outcome.UNKNOWN)),
        (*CALLS, replace(CALL, outcome=Outcome.REFUSED, answer="CONFLICT: it is not so")),
        (*CALLS, INTERNAL),
        CALLS[1:],
    ],
)
def test_a_run_that_proves_too_little_is_invalid(calls: tuple[Call, ...]) -> None:
    verdict = judge(replace(GOOD, calls=calls))

    assert verdict.word == "INVALID"
