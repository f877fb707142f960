"""The judge of limits, pauses and reruns: well where all is well, and each rule sees its breach."""

from dataclasses import replace

import pytest

from tests.chaos import orchestration, planted, scenarios
from tests.chaos.checker import NAMES
from tests.chaos.evidence import Attempt, Line
from tests.chaos.history import Call, Operation, Outcome
from tests.chaos.model_history import MODEL, without
from tests.chaos.orchestration_rules import ITEMS, RULES, Asked, Filled, Left, Moved, judge


def call(
    operation: Operation, outcome: Outcome, *, run_id: str, key: str = "", answer: str = ""
) -> Call:
    about = {"run_id": run_id, "key": key, "answer": answer}
    return replace(Call("somebody", operation, outcome, began_at=0, ended_at=1), **about)


ANSWER = call(Operation.ANSWER, Outcome.OK, run_id="a", key="go", answer="7")
OUTSIDE = call(Operation.ANSWER, Outcome.OK, run_id="s", key="outside:3")
PAUSE = call(Operation.PAUSE, Outcome.OK, run_id="s")
RERUN = call(Operation.RERUN, Outcome.OK, run_id="b")
REFUSED = call(Operation.RERUN, Outcome.REFUSED, run_id="b")
CANCEL = call(Operation.CANCEL, Outcome.OK, run_id="c")
FILL = call(Operation.BACKFILL, Outcome.OK, run_id="", key="fill-1")
RUNS = tuple(f"f{number}" for number in range(ITEMS))
FILLING = Filled("fill-1", "COMPLETED", 1, RUNS, ("COMPLETED",) * ITEMS)
WELL = Left(
    calls=[ANSWER, OUTSIDE, PAUSE, RERUN, REFUSED, CANCEL, FILL],
    lines=[
        Line("t", 1, 10, 1.0, "in"),
        Line("t", 1, 10, 2.0, "out"),
        Line("u", 1, 11, 1.5, "in"),
        Line("u", 1, 11, 1.9, "alive"),
        Line("v", 1, 12, 1.95, "in"),
        Line("v", 1, 12, 2.5, "out"),
        Line("a", 1, 13, 3.0, "told:7"),
    ],
    states=[
        Moved("a", 1, "RUNNING", "Running"),
        Moved("a", 2, "PAUSED", "Paused", pause="go"),
        Moved("a", 3, "RUNNING", "Running", pause="go"),
        Moved("a", 4, "COMPLETED", "Completed"),
        Moved("b", 1, "PENDING", "Pending"),
        Moved("b", 2, "RUNNING", "Running"),
        Moved("b", 3, "FAILED", "Failed"),
        Moved("b", 4, "SCHEDULED", "Scheduled"),
        Moved("b", 5, "PENDING", "Pending"),
        Moved("b", 6, "RUNNING", "Running"),
        Moved("b", 7, "FAILED", "Failed"),
        Moved("p", 1, "SCHEDULED", "AwaitingRetry", gives_back=True),
        Moved("p", 2, "COMPLETED", "Completed"),
        Moved("c", 1, "RUNNING", "Running"),
        Moved("c", 2, "CANCELLING", "Cancelling"),
        Moved("c", 3, "CANCELLED", "Cancelled"),
        *(Moved(run_id, 1, "COMPLETED", "Completed") for run_id in RUNS),
    ],
    attempts=[
        Attempt("a", 1, 1, 0.0, 4.0),
        Attempt("b", 1, 1, 0.0, 1.0),
        Attempt("b", 2, 2, 2.0, 3.0),
        Attempt("l", 1, 1, 0.0, 2.0),
        Attempt("m", 1, 1, 1.0, 3.0),
        Attempt("n", 1, 1, 2.0, 3.0),
        Attempt("c", 1, 1, 0.0, 1.0),
        Attempt("f0", 1, 1, 0.0, 1.0),
        Attempt("f1", 1, 1, 1.0, 2.0),
    ],
    pauses=[Asked("a", "go", "RESUMED", "7"), Asked("s", "outside:3", "RESUMED", "")],
    deployments={"b": "breaking", "a": "asking", "c": "ending", **dict.fromkeys(RUNS, "filled")},
    leftovers={"slots": 0},
    backfills=[FILLING],
)
LIMITED = {**WELL.deployments, "l": "limited", "m": "limited", "n": "limited"}
AT_ONCE = [Line(run_id, 1, ord(run_id), at, "alive") for at in (0.1, 0.2) for run_id in "lmn"]
BOTH_FILLED = [Line(run_id, 1, 30, at, "alive") for at in (0.1, 0.2) for run_id in RUNS[:2]]
WAS_TOLD_BEFORE = Line("a", 0, 13, 3.0, "told:7")
HELD = {**WELL.deployments, "t": "slotted"}
ENDS = [Moved(run_id, 1, "COMPLETED", "Completed") for run_id in "lmn"]


def broken(left: Left) -> set[str]:
    return {violation.rule for violation in judge(left).violations}


def test_what_is_well_is_found_well() -> None:
    verdict = judge(replace(WELL, states=[*WELL.states, *ENDS], deployments=LIMITED))

    assert verdict.violations == ()
    assert verdict.doubts == ()


def test_a_run_in_which_nothing_happened_proves_nothing() -> None:
    assert judge(Left()).word == "INVALID"


BREACHES: list[tuple[str, Left]] = [
    (
        "limit_kept",
        replace(
            WELL,
            attempts=[*WELL.attempts, Attempt("n", 2, 2, 1.5, None)],
            states=[*WELL.states, *ENDS],
            deployments=LIMITED,
        ),
    ),
    ("limit_kept", replace(WELL, lines=[*WELL.lines, *AT_ONCE], deployments=LIMITED)),
    (
        "slots_kept",
        replace(
            WELL,
            lines=[*WELL.lines, Line("w", 1, 14, 1.6, "in"), Line("w", 1, 14, 1.8, "out")],
        ),
    ),
    ("nothing_leaked", replace(WELL, leftovers={"slots": 1})),
    (
        "answered_once",
        replace(WELL, calls=[*WELL.calls, replace(ANSWER, answer="8")]),
    ),
    ("answered_once", replace(WELL, pauses=[Asked("a", "go", "RESUMED", "8")])),
    ("answered_once", replace(WELL, lines=[*WELL.lines, Line("a", 1, 13, 4.0, "told:8")])),
    ("answered_once", replace(WELL, calls=[*WELL.calls[2:], replace(ANSWER, key="stop")])),
    ("did_what_it_completed", replace(WELL, lines=WELL.lines[:-1])),
    ("did_what_it_completed", replace(WELL, lines=[*WELL.lines[:-1], WAS_TOLD_BEFORE])),
    (
        "did_what_it_completed",
        replace(
            WELL,
            lines=WELL.lines[1:],
            attempts=[*WELL.attempts, Attempt("t", 1, 1, 0.5, 2.5)],
            states=[*WELL.states, Moved("t", 1, "COMPLETED", "Completed")],
            deployments=HELD,
        ),
    ),
    ("paused_as_asked", replace(WELL, calls=[ANSWER, OUTSIDE, RERUN, CANCEL, FILL])),
    ("paused_as_asked", replace(WELL, pauses=WELL.pauses[:1])),
    (
        "resumed_once",
        replace(WELL, states=[*WELL.states, Moved("a", 5, "RUNNING", "Running", pause="go")]),
    ),
    ("one_attempt_a_start", replace(WELL, attempts=without(WELL.attempts, 1))),
    ("one_attempt_a_start", replace(WELL, calls=[*WELL.calls, RERUN])),
    ("one_attempt_a_start", replace(WELL, calls=[ANSWER])),
    (
        "cancelled_for_good",
        replace(WELL, states=[*WELL.states, Moved("c", 4, "RUNNING", "Running")]),
    ),
    ("cancelled_for_good", replace(WELL, calls=[*WELL.calls, replace(CANCEL, run_id="a")])),
    ("backfilled_once", replace(WELL, backfills=[])),
    ("backfilled_once", replace(WELL, backfills=[FILLING, FILLING])),
    (
        "backfilled_once",
        replace(WELL, backfills=[replace(FILLING, outcomes=("COMPLETED", "FAILED"))]),
    ),
    (
        "backfilled_once",
        replace(WELL, deployments={**WELL.deployments, "g": "filled"}),
    ),
    (
        "backfilled_once",
        replace(WELL, lines=[*WELL.lines, *BOTH_FILLED]),
    ),
    (
        "backfilled_once",
        replace(WELL, attempts=[*WELL.attempts, Attempt("f2", 1, 1, 1.5, 2.5)]),
    ),
    ("all_come_to_their_end", replace(WELL, deployments={"a": "asking", "x": "limited"})),
    ("all_come_to_their_end", replace(WELL, deployments={"b": "limited"})),
]


@pytest.mark.parametrize(("rule", "left"), BREACHES)
def test_each_breach_is_seen(rule: str, left: Left) -> None:
    assert rule in broken(left)


def test_every_rule_sees_a_breach() -> None:
    assert {rule for rule, _ in BREACHES} == {rule.__name__ for rule in RULES}


def test_every_bug_is_planted_somewhere_and_breaks_a_rule() -> None:
    here = {scenario.plan.planted: scenario.expected for scenario in scenarios.PLANTED}
    there = orchestration.PLANTED

    assert planted.BUGS.keys() == here.keys() | there.keys()
    assert set(here.values()) <= NAMES
    assert set(there.values()) <= {rule.__name__ for rule in RULES}


def test_what_holds_in_every_world_holds_here() -> None:
    forged = replace(MODEL, attempts=MODEL.attempts[:-1])

    assert broken(replace(WELL, evidence=MODEL)) == set()
    assert broken(replace(WELL, evidence=forged)) >= {"one_live_attempt", "one_start_an_epoch"}


def test_lost_answer_may_have_been_taken_or_not() -> None:
    lost = replace(RERUN, outcome=Outcome.UNKNOWN)

    assert broken(replace(WELL, calls=[ANSWER, OUTSIDE, PAUSE, lost, CANCEL, FILL])) == set()
    assert broken(replace(WELL, calls=[*WELL.calls, lost])) == set()
