"""The judge of chaos runs, on histories made by hand: a good one, and one for each fault."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import MUST_BE_ANSWERED, NAMES, judge, proofs
from tests.chaos.event_rules import BACK, SILENT, event_of
from tests.chaos.evidence import Attempt, Entered, Evidence, Line, Published
from tests.chaos.history import Call, Operation, Outcome
from tests.chaos.model_history import (
    ATTEMPTS,
    CALLS,
    EVENTS,
    FIRE,
    LINES,
    MODEL,
    RUNS,
    SCHEDULE,
    STATES,
    STEADY,
    TERMS,
    TOLERANT,
    call,
    changed,
    entered,
    run,
    told,
    without,
)

STEADY_RUN, TOLERANT_RUN, TICKING_RUN, FATAL_RUN, ASKED_RUN = range(len(RUNS))
CREATED, READ, CANCELLED, TRESPASSED, STALE = 0, 5, 6, 7, 8
"""Places of calls in the model."""
LAST = len(STEADY) - 1


def history(*states: Entered, **of_run: Any) -> dict[str, Any]:
    """Return what changes of the model where one of its runs has another history."""
    id_ = states[0].run_id
    place = next(place for place, one in enumerate(RUNS) if one.id == id_)
    others = [state for state in STATES if state.run_id != id_]
    same = {"expected_start": RUNS[place].expected_start, "key": RUNS[place].key}
    return {
        "states": (*others, *states),
        "runs": (*RUNS[:place], run(states, **same | of_run), *RUNS[place + 1 :]),
        "events": (*told(others), *told(states)),
    }


def ran(*lines: Line) -> dict[str, Any]:
    """Return what changes of the model where user code wrote something else."""
    ids = {line.run_id for line in lines}
    return {"lines": (*(line for line in LINES if line.run_id not in ids), *lines)}


def tried(*attempts: Attempt) -> dict[str, Any]:
    """Return what changes of the model where a run had other attempts."""
    ids = {attempt.run_id for attempt in attempts}
    return {"attempts": (*(one for one in ATTEMPTS if one.run_id not in ids), *attempts)}


def called(*calls: Call) -> dict[str, Any]:
    """Return what changes of the model where clients made more calls."""
    return {"calls": (*calls, *CALLS)}


WENT_ON = entered("tolerant", Scheduled=10.0, Late=11.5, Pending=12.0, Running=12.1, Completed=13.5)
STARTED_ANEW = entered(
    "fatal",
    Scheduled=10.0,
    Pending=10.1,
    Running=10.2,
    AwaitingRetry=10.4,
    Pending__again=15.4,
    Running__again=15.5,
    Crashed=15.8,
)
TWICE = (Attempt("fatal", 1, 1, 10.2, 10.4), Attempt("fatal", 2, 3, 15.5, 15.8))
ONCE_MORE = (*LINES, Line("fatal", 3, 501, 15.6, "begun"))
LOST_AGAIN = entered(
    "steady",
    **{
        state.name + "__" * place + "x" * place: state.at for place, state in enumerate(STEADY[:-1])
    },
    AwaitingRetry__more=19.7,
    Pending__more=24.8,
    Running__more=24.9,
    Completed=25.0,
)
EARLY = entered("asked", Scheduled=10.0, Pending=10.1, Running=10.2, Completed=12.5)
AWAITED = entered(
    "tolerant", Scheduled=10.0, Pending=40.0, Running=40.1, Cancelling=41.0, Cancelled=41.2
)
FAULTS: dict[str, list[dict[str, Any]]] = {
    "legal_history": [
        {"states": STATES[1:]},
        {"states": without(STATES, 0)[:1]},
        {"states": changed(STATES, LAST, type="PENDING")},
        {"runs": changed(RUNS, STEADY_RUN, name="Cached")},
        {"runs": changed(RUNS, STEADY_RUN, ended_at=18.0)},
        {"states": changed(STATES, 5, name="Scheduled")},
        history(*entered("fatal", Scheduled=10.0, Cancelling=11.0, Crashed=12.0)),
        history(*entered("fatal", Running=10.0, Crashed=12.0)),
    ],
    "right_author": [
        {"states": changed(STATES, LAST, by="system")},
        {"states": changed(STATES, 2, by="user")},
    ],
    "one_live_attempt": [
        {"attempts": changed(ATTEMPTS, 0, ended_at=None)},
        {"attempts": changed(ATTEMPTS, 2, ended_at=None)},
        {"attempts": changed(ATTEMPTS, 2, epoch=0)},
        {"attempts": without(ATTEMPTS, 2)},
        {"attempts": changed(ATTEMPTS, 2, started_at=18.0)},
        {"runs": changed(RUNS, STEADY_RUN, attempt=2)},
    ],
    "one_start_an_epoch": [
        {"lines": changed(LINES, 4, pid=300)},
        {"lines": changed(LINES, 4, epoch=3)},
        {"lines": (*LINES, replace(LINES[3], at=19.5))},
        {"attempts": changed(ATTEMPTS, 2, epoch=1)},
        {"lines": changed(LINES, 7, at=10.0)},
    ],
    "no_overlap": [
        {"lines": (*LINES, Line("steady", 1, 100, 19.5, "alive"))},
        {"lines": (*LINES, Line("steady", 1, 100, 16.0, "alive"))},
    ],
    "no_more_starts_than_allowed": [
        history(*STARTED_ANEW) | tried(*TWICE),
        {"lines": ONCE_MORE},
        {"terms": TERMS | {"steady": replace(TERMS["steady"], retries=0)}},
        {"terms": TERMS | {"steady": replace(TERMS["steady"], infrastructure_retries=0)}},
        history(*LOST_AGAIN),
    ],
    "not_before_its_instant": [
        history(*EARLY),
        {"lines": changed(LINES, 10, at=11.0)},
        {"runs": changed(RUNS, ASKED_RUN, expected_start=14.0)},
        {
            "runs": changed(RUNS, ASKED_RUN, expected_start=9.0),
            "calls": changed(CALLS, 4, start_at=13.0),
        },
        {"states": changed(STATES, 3, retry_at=11.5)},
    ],
    "late_in_time": [
        {"states": changed(STATES, len(STEADY) + 1, at=10.8)},
        history(*AWAITED),
        history(
            *entered("tolerant", Scheduled=10.0, Late=11.5, Late__again=12.0, Pending=12.5),
            expected_start=10.0,
        ),
        history(*entered("fatal", Scheduled=10.0, Pending=10.1, Running=10.2, Late=30.0)),
    ],
    "ends_as_its_code_says": [
        {"lines": without(LINES, 4)},
        {"lines": (*LINES, replace(LINES[4], at=19.95))},
        {"lines": changed(LINES, 4, epoch=1)},
        {"is_spared": True, **history(*entered("asked", Scheduled=10.0, Crashed=12.0))},
        history(*entered("asked", Scheduled=10.0, Pending=12.0, Running=12.1, Failed=12.3)),
        history(*entered("steady", Scheduled=10.0, Pending=10.1, Running=10.2, Failed=10.5)),
        history(*entered("steady", Scheduled=10.0, Pending=10.1, Running=10.2, Crashed=10.5)),
        history(*entered("fatal", Scheduled=10.0, Pending=10.1, Running=10.2, Completed=10.5)),
    ],
    "cancelled_for_good": [
        history(*WENT_ON),
        {"calls": changed(CALLS, CANCELLED, ended_at=12.5)},
        {"calls": changed(CALLS, CANCELLED, answer="RUNNING", sequence=4)},
        {"calls": changed(CALLS, CANCELLED, outcome=Outcome.REFUSED, answer="CONFLICT: no")},
        {"calls": changed(CALLS, CANCELLED, began_at=13.2, ended_at=13.3)},
        {"runs": changed(RUNS, TOLERANT_RUN, type="CRASHED")},
        {"lines": changed(LINES, 6, at=21.5)},
    ],
    "ended_means_ended": [
        {"lines": changed(LINES, 6, at=15.0)},
        history(*TOLERANT[:-1], ended_at=None),
    ],
    "complete_record": [{"tasks": {"ticking": 1}}, {"tasks": {"steady": 1, "ticking": 2}}],
    "said_once": [
        {"logs": dict(MODEL.logs) | {("ticking", "ended"): 2}},
        {"logs": dict(MODEL.logs) | {("ticking", "begun"): 0}},
    ],
    "no_agent_overfilled": [
        {
            "lines": (
                *LINES,
                *(
                    Line("steady", 1, pid, at, "alive", parent=9)
                    for pid in range(6)
                    for at in (10.4, 10.5)
                ),
            )
        }
    ],
    "each_transition_told_once": [
        {"events": without(EVENTS, 0)},
        {"events": without(EVENTS, 3)},
        {"events": (*EVENTS, replace(EVENTS[3], id="again"))},
        {"events": (*EVENTS, replace(EVENTS[3], sequence=99))},
        {"events": changed(EVENTS, 2, name="flow_run.completed")},
        {"events": (*EVENTS, Published("other", "steady", "flow_run.exploded"))},
        {"events": changed(EVENTS, 2, position=99_999)},
    ],
    "silent_once_an_episode": [
        {"events": (*EVENTS, Published("more", "steady", BACK, position=1220))},
        {"events": (*EVENTS[:-1], Published("more", "steady", SILENT, position=1220))},
    ],
    "reads_are_true": [
        {"calls": changed(CALLS, READ, sequence=6)},
        {"calls": changed(CALLS, READ, answer="COMPLETED")},
        {"calls": changed(CALLS, READ, ended_at=12.0)},
        called(
            call(Operation.READ, "tolerant", began_at=14, ended_at=15, answer="RUNNING", sequence=4)
        ),
    ],
    "nothing_lost": [
        called(call(Operation.CREATE, "other")),
        called(call(Operation.READ, outcome=Outcome.REFUSED, answer="NOT_FOUND: no such run")),
        {"items": (("steady", "READY"),)},
    ],
    "nothing_from_nowhere": [
        {"runs": changed(RUNS, STEADY_RUN, key="unasked")},
        {"runs": changed(RUNS, STEADY_RUN, deployment="fatal")},
        {"calls": changed(CALLS, 3, outcome=Outcome.REFUSED, answer="QUOTA_EXCEEDED: no")},
        {"attempts": (*ATTEMPTS, Attempt("other", 1, 1, 11.0, 12.0))},
        {"lines": (*LINES, replace(LINES[0], run_id="other"))},
        {"events": (*EVENTS, replace(EVENTS[0], id="other", run_id="other"))},
    ],
    "one_effect_a_key": [
        {"runs": (*RUNS, replace(RUNS[STEADY_RUN], id="other"))},
        {"calls": changed(CALLS, CREATED, run_id="other")},
    ],
    "walls_hold": [
        {"calls": changed(CALLS, TRESPASSED, outcome=Outcome.OK)},
        {"calls": changed(CALLS, TRESPASSED, answer="FORBIDDEN: it is another's")},
    ],
    "old_epochs_are_dead": [
        {"calls": changed(CALLS, STALE, outcome=Outcome.OK)},
        {"calls": changed(CALLS, STALE, answer="ILLEGAL_TRANSITION: it has ended")},
    ],
    "all_published": [{"outbox": EVENTS[:1]}, {"events": (*EVENTS, EVENTS[-1])}],
    "schedules_as_asked": [
        {"schedules": ()},
        {"schedules": changed([SCHEDULE], 0, every_seconds=4)},
        {"runs": changed(RUNS, TICKING_RUN, schedule_id="other")},
    ],
    "each_instant_once": [
        {"fires": (FIRE, FIRE)},
        {"fires": ()},
        {"runs": changed(RUNS, TICKING_RUN, schedule_id="")},
        {"schedules": changed([SCHEDULE], 0, next_at=14)},
        {"schedules": changed([SCHEDULE], 0, made_at=7)},
        {"schedules": changed([SCHEDULE], 0, stopped_at=12.5)},
    ],
    "ledger_leads_to_runs": [
        {"fires": changed([FIRE], 0, run_id=None)},
        {"fires": changed([FIRE], 0, run_id="other")},
        {"fires": changed([FIRE], 0, run_id="steady")},
        {"fires": changed([FIRE], 0, outcome="SKIPPED")},
        {"fires": changed([FIRE], 0, at=12.0)},
    ],
}


def test_a_good_run_is_well() -> None:
    verdict = judge(MODEL)

    assert (verdict.word, verdict.violations, verdict.doubts) == ("OK", (), ())
    assert judge(replace(MODEL, is_spared=True)).is_well


@pytest.mark.parametrize(
    ("rule", "change"), [(rule, change) for rule, changes in FAULTS.items() for change in changes]
)
def test_each_fault_is_seen_by_its_rule(rule: str, change: dict[str, Any]) -> None:
    verdict = judge(replace(MODEL, **change))

    assert verdict.word == "VIOLATED"
    assert rule in verdict.broken


def test_every_rule_has_a_fault_that_it_sees() -> None:
    assert FAULTS.keys() == NAMES


def test_events_are_called_after_states() -> None:
    assert event_of("AwaitingRetry") == "flow_run.awaiting_retry"
    assert event_of("TimedOut") == "flow_run.timed_out"
    assert event_of("Late") == "flow_run.late"


def test_an_error_of_ours_is_neither_a_refusal_nor_a_wall_that_fell() -> None:
    ours = [
        call(operation, outcome=Outcome.REFUSED, answer="INTERNAL: who knows")
        for operation in (Operation.TRESPASS, Operation.STALE)
    ]

    assert judge(replace(MODEL, calls=(*ours, *CALLS))).is_well


def test_a_run_given_up_under_crash_may_have_gone_on() -> None:
    went_on = (*LINES, Line("fatal", 1, 500, 25.0, "alive"))

    assert judge(replace(MODEL, lines=went_on)).is_well


def test_a_run_whose_create_and_cancel_were_not_answered_may_be_there_and_cancelled() -> None:
    calls = [
        replace(one, outcome=Outcome.UNKNOWN, run_id="" if one.key else one.run_id)
        if one.run_id == "tolerant" and one.operation is not Operation.READ
        else one
        for one in CALLS
    ]

    assert judge(replace(MODEL, calls=calls)).violations == ()


def test_what_is_inside_a_run_goes_with_it() -> None:
    whole = entered("whole", Scheduled=10.0, Pending=10.1, Running=10.2, Crashed=11.0)
    part = entered("part", Pending=10.4, Running=10.5, Crashed=11.0)
    part[0] = replace(part[0], by="run")
    inside = run(part, key="", root="whole", deployment="", expected_start=10.4)

    verdict = judge(
        replace(
            MODEL,
            states=(*STATES, *whole, *part),
            runs=(*RUNS, run(whole), inside),
            events=(*EVENTS, *told([*whole, *part])),
            attempts=(
                *ATTEMPTS,
                Attempt("whole", 1, 2, 10.2, 11.0),
                Attempt("part", 1, 1, 10.5, 11.0),
            ),
            lines=(
                *LINES,
                Line("whole", 2, 700, 10.3, "begun"),
                Line("part", 2, 700, 10.6, "begun"),
            ),
            calls=(*CALLS, call(Operation.CREATE, "whole")),
        )
    )

    assert verdict.violations == ()


@pytest.mark.parametrize("operation", MUST_BE_ANSWERED)
def test_an_operation_that_was_never_answered_makes_a_run_invalid(operation: Operation) -> None:
    unheard = [
        replace(one, outcome=Outcome.UNKNOWN) if one.operation is operation else one
        for one in CALLS
    ]

    assert f"there was no {operation} answered" in judge(replace(MODEL, calls=unheard)).doubts


@pytest.mark.parametrize("proof", [name for name in proofs(MODEL) if "answered" not in name])
def test_a_run_without_what_the_rules_are_about_is_invalid(proof: str) -> None:
    assert f"there was no {proof}" in judge(Evidence()).doubts


def test_a_world_in_which_nothing_happened_is_invalid() -> None:
    assert judge(Evidence()).word == "INVALID"


@pytest.mark.parametrize(
    "calls",
    [
        (*[replace(CALLS[0], outcome=Outcome.UNKNOWN, is_after_healing=False)] * 3, *CALLS),
        (*CALLS, replace(CALLS[0], outcome=Outcome.UNKNOWN)),
        (*CALLS, replace(CALLS[0], outcome=Outcome.REFUSED, answer="CONFLICT: it is not so")),
        (*CALLS, call(Operation.CANCEL, outcome=Outcome.REFUSED, answer="INTERNAL: who knows")),
        [replace(one, is_after_healing=False) for one in CALLS],
    ],
)
def test_a_run_that_proves_too_little_is_invalid(calls: list[Call]) -> None:
    verdict = judge(replace(MODEL, calls=calls))

    assert verdict.word == "INVALID"
