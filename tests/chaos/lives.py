"""What is known of one run, gathered from all that was left behind: what most rules look at."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.evidence import Attempt, Entered, Evidence, Line, Published, Run
from tests.chaos.history import Call, Operation, Outcome
from tests.chaos.terms import LOGGED, Terms
from tests.chaos.verdicts import by

ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
WAITING_STILL = frozenset({"Late", "AwaitingConcurrencySlot"})
"""What a run is called that goes on waiting for what it waited for."""


@dataclass(frozen=True, slots=True)
class Life:
    """One run: what was asked of it, what became of it, and what its code did.

    Args:
        root: the run that it was inside of; None for one that was inside of none.
        calls: of clients, that were about it or made it.
        task_count: how many of its task runs completed.
        logged: how often what is in its log.
    """

    run: Run
    root: Run | None
    terms: Terms
    is_spared: bool
    states: list[Entered]
    attempts: list[Attempt]
    lines: list[Line]
    events: list[Published]
    calls: list[Call]
    task_count: int
    logged: Mapping[str, int]

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self.run.type in ENDED

    @property
    def is_given_up(self) -> bool:
        """Whether it is one whose process may come back after its end, as documented."""
        return self.terms.policy == "CRASH" and self.run.type == "CRASHED"

    @property
    def due_at(self) -> float:
        """The instant that it is due at for the first time; of one started again, that asked for.

        What such a run is due at was set anew, and the first instant is no longer told.
        """
        asked = max((call.start_at for call in self.calls), default=0)
        return asked if len(self.chapters()) > 1 else max(asked, self.run.expected_start)

    def moves(self) -> Generator[tuple[Entered, Entered]]:
        """Yield each state with the one before it."""
        yield from pairwise(self.states)

    def starts(self) -> list[Entered]:
        """Return the states in which an attempt began."""
        found = self.states[:1] if self.states and self.states[0].type == "RUNNING" else []
        return found + [
            after
            for before, after in self.moves()
            if after.type == "RUNNING" and before.type != "PAUSED"
        ]

    def chapters(self) -> list[list[Entered]]:
        """Return its states, apart wherever somebody started it again after its end."""
        found: list[list[Entered]] = [[]]
        for state in self.states:
            if found[-1] and found[-1][-1].type in ENDED:
                found.append([])
            found[-1].append(state)
        return found

    def made(self, operation: Operation, *outcomes: Outcome) -> list[Call]:
        """Return the calls of a kind that came out in one of these ways."""
        return [
            call for call in self.calls if call.operation is operation and call.outcome in outcomes
        ]

    def lines_of(self, what: str) -> list[Line]:
        """Return what its code said of this."""
        return [line for line in self.lines if line.what == what]


def is_retry(state: Entered) -> bool:
    """Whether a flow that failed waits for its next attempt."""
    return state.name == "AwaitingRetry" and state.retry_at is not None


def is_restart(state: Entered) -> bool:
    """Whether a run waits to be started again because its process was lost."""
    return state.name == "AwaitingRetry" and state.retry_at is None


def lives(evidence: Evidence) -> list[Life]:
    """Return what is known of each run."""
    runs = {run.id: run for run in evidence.runs}
    states = by(evidence.states, lambda state: state.run_id)
    attempts = by(evidence.attempts, lambda attempt: attempt.run_id)
    lines = by(evidence.lines, lambda line: line.run_id)
    events = by(evidence.events, lambda event: event.run_id)
    about = by(evidence.calls, lambda call: call.run_id)
    asking = by(evidence.calls, lambda call: call.key if not call.run_id else "")
    return [
        Life(
            run=run,
            root=runs.get(run.root),
            terms=evidence.terms.get(run.deployment or run.flow, Terms(run.flow)),
            is_spared=evidence.is_spared,
            states=states.get(run.id, []),
            attempts=attempts.get(run.id, []),
            lines=lines.get(run.id, []),
            events=events.get(run.id, []),
            calls=about.get(run.id, []) + (asking.get(run.key, []) if run.key else []),
            task_count=evidence.tasks.get(run.id, 0),
            logged={what: evidence.logs.get((run.id, what), 0) for what in LOGGED},
        )
        for run in evidence.runs
    ]
