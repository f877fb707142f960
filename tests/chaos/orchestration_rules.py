"""The judge of limits, pauses, cancels, backfills and reruns under faults: what they promise.

It shares no code with the product. Each rule yields what it finds wrong, and nothing where all is
well.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos import checker
from tests.chaos.evidence import Attempt, Evidence, Line
from tests.chaos.history import Call, Operation, Outcome
from tests.chaos.lives import ENDED
from tests.chaos.terms import ASKING, CANCELLED, FAILS, FILLED, LIMITED, SLOTTED
from tests.chaos.verdicts import Found, Verdict, Violation, by, most_at_once

AT_ONCE = 2
"""How many runs of the limited deployment, and how many slots of the limit, there are at once."""
ITEMS = 6
"""How many runs a backfill is."""
OUTSIDE = "outside:"
PROOFS = (
    "answered",
    "asked_to_pause",
    "started_again",
    "slots",
    "given_back",
    "cancelled",
    "backfilled",
    "limited",
)
"""Of what there must have been some, for a run to prove anything."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A state that a run entered, with what its details say of pauses and reruns."""

    run_id: str
    sequence: int
    type: str
    name: str
    pause: str = ""
    gives_back: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A pause as it stands at the end."""

    run_id: str
    key: str
    status: str
    answer: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A backfill as it stands at the end: the runs of its items, and how those ended."""

    name: str
    status: str
    parallelism: int
    run_ids: tuple[str, ...]
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """Everything the judge looks at.

    Args:
        deployments: of each run, its deployment's name.
        leftovers: by name, how many rows are left that nobody needs any more.
        evidence: what the judge of every world looks at.
    """

    calls: Sequence[Call] = ()
    lines: Sequence[Line] = ()
    states: Sequence[Moved] = ()
    attempts: Sequence[Attempt] = ()
    pauses: Sequence[Asked] = ()
    deployments: Mapping[str, str] = field(default_factory=dict[str, str])
    leftovers: Mapping[str, int] = field(default_factory=dict[str, int])
    backfills: Sequence[Filled] = ()
    evidence: Evidence = field(default_factory=Evidence)


def judge(left: Left) -> Verdict:
    """Apply every rule, and those of every world."""
    violations = [violation for rule in RULES for violation in rule(left)]
    violations += checker.violations(left.evidence)
    counted = proofs(left)
    doubts = [f"there was nothing of {name}" for name in PROOFS if not counted[name]]
    return Verdict(tuple(violations), tuple(doubts))


def proofs(left: Left) -> dict[str, int]:
    """Count what happened that the rules are about."""
    return {
        "answered": sum(one.status == "RESUMED" for one in left.pauses),
        "asked_to_pause": sum(
            one.key.startswith(OUTSIDE) and one.status == "RESUMED" for one in left.pauses
        ),
        "started_again": sum(_reruns(left).values()),
        "slots": sum(line.what == "in" for line in left.lines),
        "given_back": sum(state.gives_back for state in left.states),
        "cancelled": sum(state.type == "CANCELLED" for state in left.states),
        "backfilled": sum(one.status == "COMPLETED" for one in left.backfills),
        "limited": sum(name == "limited" for name in left.deployments.values()),
    }


def limit_kept(left: Left) -> Found:
    """Never do more runs of a deployment execute than it may, nor does the code of more."""
    runs = {run_id for run_id, name in left.deployments.items() if name == LIMITED}
    yield from _at_once("limit_kept", _attempts_of(left, runs))
    yield from _at_once("limit_kept", _code_of(left, runs))


def _attempts_of(left: Left, runs: Collection[str]) -> list[tuple[float, float]]:
    return [
        (one.started_at, one.ended_at or float("inf"))
        for one in left.attempts
        if one.run_id in runs
    ]


def _code_of(left: Left, runs: Collection[str]) -> list[tuple[float, float]]:
    """Return from when to when each process executed the code of a run."""
    lines = (line for line in left.lines if line.run_id in runs)
    return [
        (min(line.at for line in own), max(line.at for line in own))
        for own in by(lines, lambda line: (line.run_id, line.pid)).values()
    ]


def slots_kept(left: Left) -> Found:
    """Never do more processes hold a slot than there are; one that was killed holds none."""
    spans: list[tuple[float, float]] = []
    for lines in by(left.lines, lambda line: (line.run_id, line.pid)).values():
        began_at: float | None = None
        for line in lines:
            if line.what == "in":
                began_at = line.at
            elif line.what == "out" and began_at is not None:
                spans.append((began_at, line.at))
                began_at = None
        if began_at is not None:
            spans.append((began_at, lines[-1].at))
    yield from _at_once("slots_kept", spans)


def _at_once(rule: str, spans: Iterable[tuple[float, float]], *, most: int = AT_ONCE) -> Found:
    found = most_at_once(spans)
    if found > most:
        yield Violation(rule, f"{found} at once, {most} allowed")


def nothing_leaked(left: Left) -> Found:
    """What a run held is free once it is over."""
    for name, count in left.leftovers.items():
        if count:
            yield Violation("nothing_leaked", f"{count} {name}")


def answered_once(left: Left) -> Found:
    """A pause takes one answer, and the run is told that one."""
    answers = by(
        (call for call in left.calls if call.operation is Operation.ANSWER),
        lambda call: (call.run_id, call.key),
    )
    for asked in left.pauses:
        calls = answers.get((asked.run_id, asked.key), [])
        accepted = [call.answer for call in calls if call.outcome is Outcome.OK]
        given = {call.answer for call in calls if call.outcome is not Outcome.REFUSED}
        if asked.status == "RESUMED" and asked.answer not in given:
            what = f"{asked.run_id} {asked.key}: {asked.answer!r} is kept, which nobody gave"
            yield Violation("answered_once", what)
        if len(accepted) > 1:
            what = f"{asked.run_id} {asked.key}: {len(accepted)} answers were taken"
            yield Violation("answered_once", what)
        if accepted and asked.answer not in accepted:
            what = f"{asked.run_id} {asked.key}: {accepted} was taken and {asked.answer} is kept"
            yield Violation("answered_once", what)
    kept = {(one.run_id, one.key): one.answer for one in left.pauses}
    for line in left.lines:
        if line.what.startswith("told:") and line.what[5:] != kept.get((line.run_id, "go")):
            yield Violation("answered_once", f"{line.run_id} was {line.what}, not what is kept")


def did_what_it_completed(left: Left) -> Found:
    """A completed run was told its answer, or held its slot, by the process that completed it."""
    last = {one.run_id: one.epoch for one in left.attempts}
    said = {(line.run_id, line.epoch, line.what.partition(":")[0]) for line in left.lines}
    completed = {one.run_id for one in left.states if one.type == "COMPLETED"}
    wanted = {SLOTTED: ("in", "out"), **dict.fromkeys(ASKING, ("told",))}
    for run_id in sorted(completed & left.deployments.keys()):
        for what in wanted.get(left.deployments[run_id], ()):
            if (run_id, last.get(run_id), what) not in said:
                yield Violation("did_what_it_completed", f"{run_id} was never {what}")


def paused_as_asked(left: Left) -> Found:
    """A pause that was asked for and taken is there, and none is that nobody asked for."""
    made = Counter(one.run_id for one in left.pauses if one.key.startswith(OUTSIDE))
    calls = by(
        (call for call in left.calls if call.operation is Operation.PAUSE),
        lambda call: call.run_id,
    )
    for run_id in {*made, *calls}:
        outcomes = Counter(call.outcome for call in calls.get(run_id, []))
        sure, unsure = outcomes[Outcome.OK], outcomes[Outcome.UNKNOWN]
        if not min(sure, 1) <= made[run_id] <= sure + unsure:
            what = f"{run_id}: {sure} pauses taken, {unsure} unsure, {made[run_id]} made"
            yield Violation("paused_as_asked", what)


def resumed_once(left: Left) -> Found:
    """A run goes on once for each pause."""
    went_on = Counter(
        (state.run_id, state.pause)
        for state in left.states
        if state.pause and state.type != "PAUSED"
    )
    for (run_id, key), count in went_on.items():
        if count > 1:
            yield Violation("resumed_once", f"{run_id} went on {count} times from {key}")
    for run_id, states in by(left.states, lambda state: state.run_id).items():
        for before, after in pairwise(states):
            if before.type == "PAUSED" == after.type:
                yield Violation("resumed_once", f"{run_id} paused while it was paused")


def one_attempt_a_start(left: Left) -> Found:
    """Each start is one attempt, and a rerun that was acknowledged is there, once."""
    started = Counter(
        after.run_id
        for states in by(left.states, lambda state: state.run_id).values()
        for before, after in pairwise(states)
        if after.type == "RUNNING" and before.type != "PAUSED"
    )
    attempts = by(left.attempts, lambda one: one.run_id)
    for run_id, count in started.items():
        numbers = [one.number for one in attempts.get(run_id, [])]
        if numbers != list(range(1, count + 1)):
            what = f"{run_id} was started {count} times and has the attempts {numbers}"
            yield Violation("one_attempt_a_start", what)
    reruns = _reruns(left)
    calls = by(
        (call for call in left.calls if call.operation is Operation.RERUN),
        lambda call: call.run_id,
    )
    for run_id in {*reruns, *calls}:
        asked = calls.get(run_id, [])
        sure = sum(call.outcome is Outcome.OK for call in asked)
        unsure = sum(call.outcome is Outcome.UNKNOWN for call in asked)
        if not sure <= reruns[run_id] <= sure + unsure:
            what = f"{run_id}: {sure} reruns taken, {unsure} unsure, {reruns[run_id]} made"
            yield Violation("one_attempt_a_start", what)


def _reruns(left: Left) -> Counter[str]:
    """Count how often each run was started again after its end."""
    return Counter(
        after.run_id
        for states in by(left.states, lambda state: state.run_id).values()
        for before, after in pairwise(states)
        if before.type in ENDED and after.type == "SCHEDULED"
    )


def cancelled_for_good(left: Left) -> Found:
    """A cancel that was taken ends the run, which goes on in no way after it."""
    states = by(left.states, lambda state: state.run_id)
    for run_id, moves in states.items():
        cancelled = [move.sequence for move in moves if move.type in {"CANCELLING", "CANCELLED"}]
        after = [move for move in moves if cancelled and move.sequence > cancelled[0]]
        for move in after:
            if move.type not in {"CANCELLING", *ENDED}:
                yield Violation("cancelled_for_good", f"{run_id} was {move.name} after its cancel")
    for call in left.calls:
        if call.operation is Operation.CANCEL and call.outcome is Outcome.OK:
            moves = states.get(call.run_id, [])
            if not any(move.type in {"CANCELLING", "CANCELLED"} for move in moves):
                what = f"{call.run_id} was never cancelled, though that was taken"
                yield Violation("cancelled_for_good", what)


def backfilled_once(left: Left) -> Found:
    """A backfill that was taken is there once, and each item has one run that completed."""
    asked = by(
        (call for call in left.calls if call.operation is Operation.BACKFILL),
        lambda call: call.key,
    )
    made = Counter(one.name for one in left.backfills)
    for name, calls in asked.items():
        sure = sum(call.outcome is Outcome.OK for call in calls)
        unsure = sum(call.outcome is Outcome.UNKNOWN for call in calls)
        if not sure <= made[name] <= sure + unsure:
            what = (
                f"{name} was taken {sure} times, {unsure} unsure, and is there {made[name]} times"
            )
            yield Violation("backfilled_once", what)
    runs = [run_id for one in left.backfills for run_id in one.run_ids]
    others = {id_ for id_, name in left.deployments.items() if name == FILLED} ^ set(runs)
    if len(set(runs)) != len(runs) or others:
        yield Violation("backfilled_once", f"runs of none or of two items: {sorted(others)}")
    for one in left.backfills:
        if one.status != "COMPLETED" or one.outcomes != ("COMPLETED",) * ITEMS:
            yield Violation("backfilled_once", f"{one.name} is {one.status}: {one.outcomes}")
        for spans in (_attempts_of(left, one.run_ids), _code_of(left, one.run_ids)):
            yield from _at_once("backfilled_once", spans, most=one.parallelism)


def all_come_to_their_end(left: Left) -> Found:
    """Nothing is lost: what is paused, waits or was started again ends as its code says."""
    last = {state.run_id: state for state in left.states}
    for run_id, name in left.deployments.items():
        state = last.get(run_id)
        wanted = {FAILS: {"FAILED"}, CANCELLED: {"CANCELLED", "COMPLETED"}}.get(name, {"COMPLETED"})
        if state is None or state.type not in ENDED:
            yield Violation("all_come_to_their_end", f"{run_id} ({name}) is stuck in {state}")
        elif state.type not in wanted:
            what = f"{run_id} ({name}) ended as {state.name}"
            yield Violation("all_come_to_their_end", what)


RULES: tuple[Callable[[Left], Found], ...] = (
    limit_kept,
    slots_kept,
    nothing_leaked,
    answered_once,
    did_what_it_completed,
    paused_as_asked,
    resumed_once,
    one_attempt_a_start,
    cancelled_for_good,
    backfilled_once,
    all_come_to_their_end,
)
