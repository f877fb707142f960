"""What is promised of each run, whatever breaks: its history, its starts, its end.

A rule looks at one run and yields what is wrong with it. None shares code with the product.
"""

from collections import Counter
from collections.abc import Callable, Generator
from itertools import pairwise

from tests.chaos.evidence import Attempt, Line
from tests.chaos.history import Operation, Outcome
from tests.chaos.lives import ENDED, WAITING_STILL, Life, is_restart, is_retry
from tests.chaos.verdicts import by

Wrong = Generator[str]

FIRST = {"SCHEDULED", "PENDING"}
EDGES = {
    "SCHEDULED": {"SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "CANCELLED", "CRASHED"},
    "PENDING": {"SCHEDULED", "RUNNING", "FAILED", "CANCELLED", "CRASHED"},
    "RUNNING": {"SCHEDULED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"},
    "CANCELLING": {"CANCELLED"},
}
"""Where a run may go that nobody pauses or starts again.

One that waits for its retry in its process is scheduled, and cancelled as a running one.
"""
EDGES_OF_PAUSES = {
    "RUNNING": {"PAUSED"},
    "PAUSED": {"RUNNING", "SCHEDULED", "FAILED", "CRASHED", "CANCELLED", "CANCELLING"},
}
AUTHORS = {
    "RUNNING": {"run"},
    "COMPLETED": {"run"},
    "Late": {"system"},
    "CANCELLING": {"user", "service_account"},
}
"""Who alone has a run enter a state, by its type or its name; a pause is ended by anybody."""
SLACK_SECONDS = 1.0
"""Between the end of user code and the instant at which the database says so, and back."""
CLOCK_SECONDS = 0.05
"""By how much two readings of this machine's clock may differ that are of one instant."""
HEARD_SECONDS = 8.0
"""So long code goes on at the most that was asked to end; none here takes longer in bad times."""
NOTICED_SECONDS = 20.0
"""So long after its threshold a run is named late, whatever breaks."""


def legal_history(life: Life) -> Wrong:
    """Its states are numbered without a gap, follow the picture, and end with its own."""
    run, states = life.run, life.states
    numbers = [state.sequence for state in states]
    if not numbers or numbers != list(range(1, run.sequence + 1)):
        yield f"has the states {numbers}"
        return
    if (states[-1].type, states[-1].name) != (run.type, run.name):
        yield f"is {run.name}, last {states[-1].name}"
    if states[0].type not in FIRST:
        yield f"began as {states[0].name}"
    if life.has_ended and abs((run.ended_at or 0) - states[-1].at) > CLOCK_SECONDS:
        yield f"ended at {run.ended_at}, and entered {states[-1].name} at {states[-1].at}"
    for before, after in life.moves():
        if after.type not in _edges(life, before.type):
            yield f"{before.name} to {after.name}"
        elif (before.type, after.type) == ("RUNNING", "SCHEDULED") and (
            after.name != "AwaitingRetry"
        ):
            yield f"{before.name} to {after.name}, which nobody waits for"


def _edges(life: Life, type_: str) -> set[str]:
    found = EDGES.get(type_, set[str]())
    if life.terms.pauses:
        found = found | EDGES_OF_PAUSES.get(type_, set[str]())
    if life.terms.is_started_again and type_ in ENDED:
        found = found | {"SCHEDULED"}
    return found


def right_author(life: Life) -> Wrong:
    """Only its process says that it runs or completed, only Headgate that it is late.

    What is inside a run is cancelled by Headgate as that is.
    """
    before = ""
    for state in life.states:
        of = state.name if state.name in AUTHORS else state.type
        is_with_root = life.root is not None and state.type == "CANCELLING"
        if state.by not in AUTHORS.get(of, {state.by}) and not is_with_root and before != "PAUSED":
            yield f"{state.name} by {state.by}"
        before = state.type


def one_live_attempt(life: Life) -> Wrong:
    """Each start is one attempt; they follow each other, in later epochs, and end with the run."""
    starts, attempts = life.starts(), life.attempts
    numbers = [attempt.number for attempt in attempts]
    if numbers != list(range(1, len(starts) + 1)) or life.run.attempt != len(starts):
        yield f"{len(starts)} starts, {life.run.attempt} counted, and the attempts {numbers}"
    for start, attempt in zip(starts, attempts, strict=False):
        if abs(start.at - attempt.started_at) > CLOCK_SECONDS:
            yield f"{start} is not the start of {attempt}"
    for before, after in pairwise(attempts):
        if before.ended_at is None or before.ended_at > after.started_at:
            yield f"{before} and {after} at once"
        if before.epoch > after.epoch:
            yield f"the epoch went back to {after.epoch}"
    if life.has_ended and any(attempt.ended_at is None for attempt in attempts):
        yield f"ended, and an attempt is open: {attempts}"


def one_start_an_epoch(life: Life) -> Wrong:
    """A process begins its code once for each accepted start, which is one an epoch.

    But for the attempts of one process after a failure: those share its epoch.
    """
    again = sum(is_retry(state) and not state.gives_back for state in life.states)
    epochs = Counter(attempt.epoch for attempt in life.attempts)
    if len(epochs) < len(life.attempts) - again:
        yield f"{len(life.attempts)} attempts in the epochs {sorted(epochs)}, {again} retries"
    begun = Counter(line.epoch for line in life.lines_of("begun"))
    for epoch, lines in by(life.lines, lambda line: line.epoch).items():
        if len({line.pid for line in lines}) > 1:
            yield f"{len({line.pid for line in lines})} processes in epoch {epoch}"
        accepted = len(life.attempts) if life.root else epochs[epoch]
        if begun[epoch] > accepted or not accepted:
            yield f"begun {begun[epoch]} times in epoch {epoch}, accepted {accepted} times"
    for attempts, lines in _by_epoch(life):
        if min(line.at for line in lines) < attempts[0].started_at - _may_precede(life):
            yield f"ran before its start was accepted: {attempts[0]}"


def _may_precede(life: Life) -> float:
    """Return by how much its code may begin before its recorded start.

    One inside of another begins without an answer: it is told of by how long ago that was on its
    agent's clock, so the way of what told of it, which nobody measures, is not taken off.
    """
    return SLACK_SECONDS if life.root else CLOCK_SECONDS


def _by_epoch(life: Life) -> Generator[tuple[list[Attempt], list[Line]]]:
    """Yield the attempts of each epoch with what the code wrote in it."""
    attempts = by(life.attempts, lambda attempt: attempt.epoch)
    for epoch, lines in by(life.lines, lambda line: line.epoch).items():
        found = life.attempts if life.root else attempts.get(epoch, [])
        if found:
            yield found, lines


def no_overlap(life: Life) -> Wrong:
    """Under RETRY, two processes never execute it at once, nor one that it was taken from."""
    if life.terms.policy != "RETRY":
        return
    spans = sorted(
        (min(line.at for line in lines), max(line.at for line in lines), pid)
        for pid, lines in by(life.lines, lambda line: line.pid).items()
    )
    for (_, end, pid), (start, _, other) in pairwise(spans):
        if start < end:
            yield f"{pid} and {other} together for {end - start:.2f} s"
    for attempts, lines in _by_epoch(life):
        ended_at, last = attempts[-1].ended_at, max(line.at for line in lines)
        if ended_at is not None and last > ended_at + SLACK_SECONDS:
            yield f"ran for {last - ended_at:.1f} s after it was taken back: {attempts[-1]}"


def no_more_starts_than_allowed(life: Life) -> Wrong:
    """It is retried as often as its flow and its deployment allow; under CRASH by its flow alone.

    No process executes it but the first, and one more for each time that it was let go.
    """
    terms = life.terms
    most = terms.infrastructure_retries if terms.policy == "RETRY" else 0
    for states in life.chapters():
        retries, restarts = sum(map(is_retry, states)), sum(map(is_restart, states))
        if retries > terms.retries:
            yield f"retried {retries} times, {terms.retries} allowed"
        if restarts > most:
            yield f"started again {restarts} times under {terms.policy}, {most} allowed"
    let_go = sum(
        is_restart(after)
        or after.gives_back
        or (before.type in {*ENDED, "PAUSED"} and after.type == "SCHEDULED")
        for before, after in life.moves()
    )
    processes = {line.pid for line in life.lines}
    if len(processes) > 1 + let_go:
        yield f"{len(processes)} processes executed it, and it was let go {let_go} times"


def not_before_its_instant(life: Life) -> Wrong:
    """Nobody takes it up, and none of its code runs, before the instant that it is due at."""
    chapters = life.chapters()
    dues = {0: life.due_at, len(chapters) - 1: max(life.due_at, life.run.expected_start)}
    for chapter, due_at in dues.items():
        for state in chapters[chapter]:
            if state.type in {"PENDING", "RUNNING"} and state.at < due_at - CLOCK_SECONDS:
                yield f"{state.name} {due_at - state.at:.2f} s before its instant"
    if life.lines and life.lines[0].at < life.due_at - _may_precede(life):
        yield f"ran {life.due_at - life.lines[0].at:.2f} s before its instant"
    for before, after in life.moves():
        if before.retry_at is None or after.type not in {"PENDING", "RUNNING"}:
            continue
        if after.at < before.retry_at - CLOCK_SECONDS:
            yield f"retried {before.retry_at - after.at:.2f} s early"


def late_in_time(life: Life) -> Wrong:
    """Once it has waited for as long as its threshold it is named Late: once, and no sooner."""
    due_at, is_late, waits = life.due_at, False, None
    for state in life.states:
        if state.name == "Late":
            if is_late or waits is None or (is_retry(waits) and not waits.gives_back):
                yield f"Late, {'again' if is_late else 'and does not wait'}"
            elif state.at < due_at + life.terms.late_seconds - CLOCK_SECONDS:
                yield f"Late {state.at - due_at:.1f} s after its instant"
            is_late = True
        elif state.name not in WAITING_STILL:
            waited = state.at - due_at - life.terms.late_seconds
            if waits is life.states[0] and not is_late and waited > NOTICED_SECONDS:
                yield f"waited for {waited:.1f} s beyond its threshold, and was not Late"
            is_late, waits = False, state if state.type == "SCHEDULED" else None
            due_at = max(due_at, state.at)


def ends_as_its_code_says(life: Life) -> Wrong:
    """It ends as its code does, and else only where it was cancelled or its process was lost."""
    run, terms = life.run, life.terms
    by_itself = terms.ends | ({"CRASHED"} if not life.is_spared or life.root else set[str]())
    if life.has_ended and run.type not in by_itself | {"CANCELLED"}:
        yield f"ended as {run.name}"
    last = life.chapters()[-1]
    used = sum(map(is_retry, last)), sum(map(is_restart, last))
    if run.type == "FAILED" and used[0] < terms.retries:
        yield f"failed after {used[0]} of {terms.retries} retries"
    if run.type == "CRASHED" and terms.policy == "RETRY" and used[1] < terms.infrastructure_retries:
        yield f"crashed after {used[1]} of {terms.infrastructure_retries} new starts"
    if run.type != "COMPLETED":
        return
    epoch = life.attempts[-1].epoch if life.attempts and not life.root else None
    ended = [line for line in life.lines_of("ended") if epoch in {None, line.epoch}]
    if len(ended) != 1:
        yield f"completed, and its code came to its end {len(ended)} times in epoch {epoch}"


def cancelled_for_good(life: Life) -> Wrong:
    """A cancel that was taken ends its code soon and it as cancelled; none is cancelled unasked."""
    struck = next((one for one in life.states if one.type in {"CANCELLING", "CANCELLED"}), None)
    for call in life.made(Operation.CANCEL, Outcome.OK):
        if struck is None or struck.at > call.ended_at + CLOCK_SECONDS:
            yield f"its cancel was taken and came to nothing: {life.run.name}"
        elif life.has_ended and life.run.type != "CANCELLED":
            yield f"its cancel was taken, and it ended as {life.run.name}"
        if call.answer and call.answer not in {"CANCELLING", "CANCELLED"}:
            yield f"its cancel was taken, and answered {call.answer}"
    if struck is None:
        return
    last = max((line.at for line in life.lines), default=0)
    if last > struck.at + HEARD_SECONDS:
        yield f"{struck.name}, and ran on for {last - struck.at:.1f} s"
    asked = life.made(Operation.CANCEL, Outcome.OK, Outcome.UNKNOWN)
    is_below = life.root is not None and life.root.type in {"CANCELLED", "CRASHED"}
    if not is_below and not any(call.began_at < struck.at + CLOCK_SECONDS for call in asked):
        yield f"{struck.name}, and nobody had asked for it"


def said_once(life: Life) -> Wrong:
    """What its code logged is there once, and all of it where it completed in one attempt."""
    is_whole = life.run.type == "COMPLETED" and life.run.attempt == 1
    for what, logged in life.logged.items():
        said = len(life.lines_of(what))
        if logged > said or (is_whole and logged < said):
            yield f"{what!r} is in its log {logged} times, and was said {said} times"


def ended_means_ended(life: Life) -> Wrong:
    """It has ended for good, and nothing runs on after the end that was recorded.

    But for one under CRASH that was given up: its process may come back, as documented.
    """
    if not life.has_ended:
        yield f"is stuck in {life.run.name}"
    ended_at = life.run.ended_at
    if ended_at is None or life.is_given_up or not life.lines:
        return
    last = max(line.at for line in life.lines)
    if last > ended_at + SLACK_SECONDS:
        yield f"{life.run.name}, and ran {last - ended_at:.1f} s later"


def complete_record(life: Life) -> Wrong:
    """Once completed, it has the completed task runs that its code made, and no more of them."""
    wanted = life.terms.tasks
    if life.run.type != "COMPLETED" or not wanted:
        return
    if life.task_count < wanted or (life.run.attempt == 1 and life.task_count > wanted):
        yield f"has {life.task_count} of {wanted} tasks"


RUN_RULES: tuple[Callable[[Life], Wrong], ...] = (
    legal_history,
    right_author,
    one_live_attempt,
    one_start_an_epoch,
    no_overlap,
    no_more_starts_than_allowed,
    not_before_its_instant,
    late_in_time,
    ends_as_its_code_says,
    cancelled_for_good,
    ended_means_ended,
    complete_record,
    said_once,
)
