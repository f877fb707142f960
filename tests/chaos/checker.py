"""The judge of a chaos run: holds what was left behind to what Headgate promises.

It knows the promises by itself and shares no code with the product: its own table of edges, its
own count of instants. Each check yields what it finds wrong, and nothing where all is well.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from tests.chaos.evidence import Attempt, Evidence, Line, Run
from tests.chaos.history import Call, Operation, Outcome

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
EDGES = {
    "SCHEDULED": {"SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "CANCELLED", "CRASHED"},
    "PENDING": {"SCHEDULED", "RUNNING", "FAILED", "CANCELLED", "CRASHED"},
    "RUNNING": {"SCHEDULED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"},
    "CANCELLING": {"CANCELLED", "CRASHED"},
}
"""Where a run of this workload may go; nobody retries or pauses one here.

A run that waits for its retry in its process is scheduled, and cancelled as a running one.
"""
FIRST = {"SCHEDULED", "PENDING"}
TASKS = {"quick": 1, "lasting": 2, "maps": 10, "inner": 1}
"""How many completed task runs a completed run of each flow has at least."""
SLACK_SECONDS = 1.0
"""Between the end of user code and the instant at which the database says so, and back."""
SHARE_ANSWERED = 0.8
LAST_CALLS = 5


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and by what."""

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says. A run that proves nothing is invalid, not well."""

    violations: tuple[Violation, ...]
    doubts: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether the run proves that the promises were kept."""
        return not self.violations and not self.doubts

    @property
    def word(self) -> str:
        """The verdict in a word."""
        if self.violations:
            return "VIOLATED"
        return "INVALID" if self.doubts else "OK"


Found = Generator[Violation]


def judge(evidence: Evidence) -> Verdict:
    """Apply every check."""
    violations = [violation for check in CHECKS for violation in check(evidence)]
    return Verdict(tuple(violations), tuple(doubts(evidence)))


def nothing_lost(evidence: Evidence) -> Found:
    """Each acknowledged run exists and has ended; exactly the live ones have a work item."""
    runs = {run.id: run for run in evidence.runs}
    for call in _answered(evidence, Operation.CREATE):
        if call.run_id not in runs:
            yield Violation("nothing_lost", f"{call.run_id} was acknowledged and is not there")
    items = Counter(run_id for run_id, _ in evidence.items)
    for run in evidence.runs:
        if run.type not in ENDED:
            yield Violation("nothing_lost", f"{run.id} ({run.flow}) is stuck in {run.name}")
        if items[run.id] != (run.type not in ENDED):
            yield Violation("nothing_lost", f"{run.id} in {run.name} has {items[run.id]} items")


def one_live_attempt(evidence: Evidence) -> Found:
    """Attempts of a run follow each other, each of a run that started again in a later epoch."""
    for run_id, attempts in _by(evidence.attempts, lambda one: one.run_id).items():
        numbers = [attempt.number for attempt in attempts]
        if numbers != list(range(1, len(attempts) + 1)):
            yield Violation("one_live_attempt", f"{run_id} has the attempts {numbers}")
        for before, after in pairwise(attempts):
            yield from _in_turn(run_id, before, after)


def _in_turn(run_id: str, before: Attempt, after: Attempt) -> Found:
    if before.ended_at is None or before.ended_at > after.started_at:
        yield Violation("one_live_attempt", f"{run_id}: {before} and {after} at once")
    if before.epoch > after.epoch:
        yield Violation("one_live_attempt", f"{run_id}: the epoch went back to {after.epoch}")


def one_start_an_epoch(evidence: Evidence) -> Found:
    """Only one process executes a run in an epoch, and only after the start was accepted."""
    accepted = {(attempt.run_id, attempt.epoch) for attempt in evidence.attempts}
    parts = {run.id for run in evidence.runs if run.flow == "inner"}
    executed = _by(evidence.lines, lambda line: (line.run_id, line.epoch))
    for (run_id, epoch), lines in executed.items():
        pids = {line.pid for line in lines}
        if len(pids) > 1:
            yield Violation("one_start_an_epoch", f"{run_id}: {len(pids)} processes in {epoch}")
        if run_id not in parts and (run_id, epoch) not in accepted:
            yield Violation("one_start_an_epoch", f"{run_id} ran unaccepted in epoch {epoch}")


def no_overlap(evidence: Evidence) -> Found:
    """Under RETRY, user code of one run is never executed by two processes at once."""
    retried = {run.id for run in evidence.runs if run.policy == "RETRY"}
    for run_id, lines in _by(evidence.lines, lambda line: line.run_id).items():
        if run_id not in retried:
            continue
        spans = sorted(_spans(lines))
        for (_, end, pid), (start, _, other) in pairwise(spans):
            if start < end:
                what = f"{run_id}: {pid} and {other} together for {end - start:.2f} s"
                yield Violation("no_overlap", what)


def _spans(lines: Iterable[Line]) -> Generator[tuple[float, float, int]]:
    for pid, own in _by(lines, lambda line: line.pid).items():
        yield min(line.at for line in own), max(line.at for line in own), pid


def legal_history(evidence: Evidence) -> Found:
    """A run's states are numbered without a gap, follow the picture, and end with its own."""
    histories = _by(evidence.states, lambda state: state.run_id)
    for run in evidence.runs:
        states = histories.get(run.id, [])
        numbers = [state.sequence for state in states]
        if numbers != list(range(1, run.sequence + 1)):
            yield Violation("legal_history", f"{run.id} has the states {numbers}")
            continue
        if (states[-1].type, states[-1].name) != (run.type, run.name):
            yield Violation("legal_history", f"{run.id} is {run.name}, last {states[-1].name}")
        if states[0].type not in FIRST:
            yield Violation("legal_history", f"{run.id} began as {states[0].name}")
        for before, after in pairwise(states):
            if after.type not in EDGES.get(before.type, set[str]()):
                yield Violation("legal_history", f"{run.id}: {before.name} to {after.name}")
        starts = sum(state.type == "RUNNING" for state in states)
        if starts != run.attempt:
            yield Violation("legal_history", f"{run.id}: {starts} starts, {run.attempt} attempts")


def sane_clock(evidence: Evidence) -> Found:
    """No state is entered before the one before it, or outside of the world's time."""
    since, until = evidence.began_at - SLACK_SECONDS, evidence.ended_at + SLACK_SECONDS
    for run_id, states in _by(evidence.states, lambda state: state.run_id).items():
        for state in states:
            if not since <= state.at <= until:
                yield Violation("sane_clock", f"{run_id}: {state.name} at {state.at:.0f}")
        for before, after in pairwise(states):
            if after.at < before.at:
                yield Violation("sane_clock", f"{run_id}: {after.name} before {before.name}")


def each_instant_once(evidence: Evidence) -> Found:
    """Ledger and runs of a schedule are both what a count on the fingers says."""
    made = _by((run for run in evidence.runs if run.schedule_id), lambda run: run.schedule_id)
    ledger = _by(evidence.fires, lambda fire: fire.schedule_id)
    for schedule in evidence.schedules:
        if schedule.first_at > schedule.made_at + schedule.every_seconds:
            late = schedule.first_at - schedule.made_at
            yield Violation("each_instant_once", f"{schedule.id} first fired after {late:.1f} s")
        if schedule.next_at < schedule.stopped_at:
            early = schedule.stopped_at - schedule.next_at
            what = f"{schedule.id} fired no more {early:.1f} s before it was stopped"
            yield Violation("each_instant_once", what)
        wanted: list[int] = []
        turn = round((schedule.first_at - schedule.anchor) / schedule.every_seconds)
        while (at := schedule.anchor + turn * schedule.every_seconds) < schedule.next_at - 1e-4:
            wanted.append(round(at * 1000))
            turn += 1
        fired = sorted(round(fire.at * 1000) for fire in ledger.get(schedule.id, []))
        runs = sorted(round(run.expected_start * 1000) for run in made.get(schedule.id, []))
        for name, found in (("ledger", fired), ("runs", runs)):
            if found != wanted:
                more = sorted((Counter(found) - Counter(wanted)).elements())
                less = sorted((Counter(wanted) - Counter(found)).elements())
                what = f"{schedule.id}: {name} too many {more}, missing {less}"
                yield Violation("each_instant_once", what)


def one_effect_a_key(evidence: Evidence) -> Found:
    """Calls with one idempotency key made one run, and all were answered with it."""
    made = Counter(run.key for run in evidence.runs if run.key)
    for key, count in made.items():
        if count > 1:
            yield Violation("one_effect_a_key", f"{count} runs of {key}")
    answers = _by(_answered(evidence, Operation.CREATE), lambda call: call.key)
    for key, calls in answers.items():
        found = {call.run_id for call in calls}
        if len(found) > 1:
            yield Violation("one_effect_a_key", f"{key} was answered with {sorted(found)}")


def late_once_an_episode(evidence: Evidence) -> Found:
    """A waiting run is named Late once until it is taken up or starts to wait anew."""
    for run_id, states in _by(evidence.states, lambda state: state.run_id).items():
        for before, after in pairwise(states):
            if before.name == after.name == "Late":
                yield Violation("late_once_an_episode", f"{run_id}: Late twice in a row")


def each_transition_told_once(evidence: Evidence) -> Found:
    """Every state has exactly one event, published, and every event tells of a state."""
    if evidence.outbox:
        yield Violation("each_transition_told_once", f"{len(evidence.outbox)} not published")
    published = Counter(event.id for event in evidence.events)
    for id_, count in published.items():
        if count > 1:
            yield Violation("each_transition_told_once", f"event {id_} is there {count} times")
    told = Counter((event.run_id, _told(event.name, event.sequence)) for event in evidence.events)
    entered = {(state.run_id, state.sequence) for state in evidence.states}
    for key in sorted(entered):
        if told[key] != 1:
            yield Violation("each_transition_told_once", f"{key} was told {told[key]} times")
    strange = {key for key in told if key[1] != 0} - entered
    for key in sorted(strange):
        yield Violation("each_transition_told_once", f"{key} was told and never entered")


def _told(name: str, sequence: int | None) -> int:
    """Return which state an event tells of; 0 where it tells of something else."""
    return 1 if name == "flow_run.created" else sequence or 0


def ended_means_ended(evidence: Evidence) -> Found:
    """A cancelled run ends, and nothing runs on after the end that was recorded.

    But for runs under CRASH that were given up: their process may come back, as documented.
    """
    runs = {run.id: run for run in evidence.runs}
    for call in _answered(evidence, Operation.CANCEL):
        run = runs.get(call.run_id)
        if run is None or run.type not in ENDED:
            yield Violation("ended_means_ended", f"{call.run_id} was cancelled and has not ended")
    for line in evidence.lines:
        run = runs.get(line.run_id)
        if run is None or run.ended_at is None or _is_given_up(run):
            continue
        if line.at > run.ended_at + SLACK_SECONDS:
            what = f"{run.id} {run.name}, and ran {line.at - run.ended_at:.1f} s later"
            yield Violation("ended_means_ended", what)


def _is_given_up(run: Run) -> bool:
    return run.policy == "CRASH" and run.type == "CRASHED"


def complete_record(evidence: Evidence) -> Found:
    """A completed run has the completed task runs that its code made."""
    for run in evidence.runs:
        wanted = TASKS.get(run.flow, 0) if run.type == "COMPLETED" else 0
        if evidence.tasks.get(run.id, 0) < wanted:
            what = f"{run.id} ({run.flow}) has {evidence.tasks.get(run.id, 0)} of {wanted} tasks"
            yield Violation("complete_record", what)


def walls_hold(evidence: Evidence) -> Found:
    """Nobody reads or changes what is another tenant's."""
    for call in evidence.calls:
        if call.operation is Operation.TRESPASS and call.outcome is Outcome.OK:
            yield Violation("walls_hold", f"{call.client} was let at {call.run_id}")


def old_epochs_are_dead(evidence: Evidence) -> Found:
    """Nothing is accepted under a lease of an epoch that is over."""
    for call in evidence.calls:
        if call.operation is Operation.STALE and call.outcome is Outcome.OK:
            yield Violation("old_epochs_are_dead", f"{call.run_id}: {call.answer}")


CHECKS: tuple[Callable[[Evidence], Found], ...] = (
    nothing_lost,
    one_live_attempt,
    one_start_an_epoch,
    no_overlap,
    legal_history,
    sane_clock,
    each_instant_once,
    one_effect_a_key,
    late_once_an_episode,
    each_transition_told_once,
    ended_means_ended,
    complete_record,
    walls_hold,
    old_epochs_are_dead,
)


MUST_SUCCEED = frozenset({Operation.CREATE, Operation.READ})
"""What nobody has a reason to refuse to these clients."""


def doubts(evidence: Evidence) -> Generator[str]:
    """Say why a run proves too little: too few answers, or no service after healing."""
    answered = sum(is_answered(call) for call in evidence.calls)
    if not evidence.calls or answered < SHARE_ANSWERED * len(evidence.calls):
        yield f"only {answered} of {len(evidence.calls)} calls were answered"
    for client, calls in _by(evidence.calls, lambda call: call.client).items():
        last = [call for call in calls if call.is_after_healing][-LAST_CALLS:]
        if len(last) < LAST_CALLS or not all(map(is_answered, last)):
            yield f"the last calls of {client} after healing were not all answered"
    if not evidence.lines:
        yield "no user code was executed"


def is_answered(call: Call) -> bool:
    """Whether a call was carried out, or refused for a reason that it may have been given."""
    match call.outcome:
        case Outcome.OK:
            return True
        case Outcome.UNKNOWN:
            return False
        case Outcome.REFUSED:
            is_ours = call.answer.startswith("INTERNAL")
            return not is_ours and call.operation not in MUST_SUCCEED


def _answered(evidence: Evidence, operation: Operation) -> Generator[Call]:
    for call in evidence.calls:
        if call.operation is operation and call.outcome is Outcome.OK:
            yield call


def _by(values: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    """Return the values by a key, in their order."""
    found: defaultdict[K, list[V]] = defaultdict(list)
    for value in values:
        found[key(value)].append(value)
    return dict(found)
