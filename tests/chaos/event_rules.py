"""What is promised of the events of a run: each transition told once, by its name, in order."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from tests.chaos.evidence import Evidence
from tests.chaos.lives import Life
from tests.chaos.run_rules import Wrong
from tests.chaos.verdicts import Found, Violation

CREATED = "flow_run.created"
SILENT, BACK = "flow_run.unresponsive", "flow_run.responsive"
OTHERS = frozenset({SILENT, BACK, "flow_run.declined", "flow_run.task_runs_changed"})
"""Events that tell of no state."""
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


def event_of(state_name: str) -> str:
    """Return what the event of a state is called."""
    return f"flow_run.{_HUMP.sub('_', state_name).lower()}"


def each_transition_told_once(life: Life) -> Wrong:
    """Each state has exactly one event, under its name, and the events come in its order."""
    told = [(event, _sequence(event.name, event.sequence)) for event in life.events]
    counted = Counter(sequence for _, sequence in told)
    names = {state.sequence: event_of(state.name) for state in life.states} | {1: CREATED}
    for state in life.states:
        if counted[state.sequence] != 1:
            yield f"{state.name} ({state.sequence}) was told {counted[state.sequence]} times"
    for event, sequence in told:
        if sequence and sequence not in names:
            yield f"state {sequence} was told and never entered"
        elif sequence and event.name != names[sequence]:
            yield f"state {sequence} was told as {event.name}, not {names[sequence]}"
        elif not sequence and event.name not in OTHERS:
            yield f"{event.name} is no event of a run"
    order = [sequence for _, sequence in sorted(told, key=lambda one: one[0].position) if sequence]
    if order != sorted(order):
        yield f"its states were told in the order {order}"


def _sequence(name: str, sequence: int | None) -> int:
    """Return which state an event tells of; 0 where it tells of something else."""
    return 1 if name == CREATED else sequence or 0


def silent_once_an_episode(life: Life) -> Wrong:
    """It is called unresponsive once, until it is back or enters another state."""
    told = [event.name for event in life.events if event.name in {SILENT, BACK} or event.sequence]
    for before, after in pairwise(told):
        if before == after and after in {SILENT, BACK}:
            yield f"{after} twice in a row"


EVENT_RULES: tuple[Callable[[Life], Wrong], ...] = (
    each_transition_told_once,
    silent_once_an_episode,
)


def all_published(evidence: Evidence) -> Found:
    """Nothing waits in the outbox, and no event is there twice."""
    if evidence.outbox:
        yield Violation("all_published", f"{len(evidence.outbox)} not published")
    for id_, count in Counter(event.id for event in evidence.events).items():
        if count > 1:
            yield Violation("all_published", f"event {id_} is there {count} times")
