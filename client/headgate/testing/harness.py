"""Flows in tests: no server, a home of their own, and all that they would report is at hand."""

import os
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from headgate.clock import use_clock
from headgate.reporting.local_run import watcher
from headgate.reporting.records import TaskRun
from headgate.states import State
from headgate.testing.clocks import VirtualClock

_OWN = "HEADGATE_"


@dataclass(slots=True)
class Records:
    """What the runs of a test would have told a server.

    Args:
        task_runs: in the order in which they were made, each with all its states.
        flow_states: of each flow run, by its id, oldest first.
        reports: artifacts, events and assets.
    """

    task_runs: list[TaskRun] = field(default_factory=list[TaskRun])
    flow_states: dict[str, list[State[Any]]] = field(default_factory=dict[str, list[State[Any]]])
    reports: list[Any] = field(default_factory=list[Any])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: set[str] = field(default_factory=set[str])

    def see_task(self, run: TaskRun) -> None:
        """Take note of a task run."""
        with self._lock:
            if run.id not in self._known:
                self._known.add(run.id)
                self.task_runs.append(run)

    def see_flow(self, flow_run_id: str, state: State[Any]) -> None:
        """Take note of a flow run's state."""
        with self._lock:
            self.flow_states.setdefault(flow_run_id, []).append(state)

    def see_report(self, report: Any) -> None:
        """Take note of an artifact or the like."""
        self.reports.append(report)

    def task_states(self, name: str) -> list[str]:
        """Return the names of the states that the first run of this name went through.

        Args:
            name: of the run, or how it begins.

        Raises:
            LookupError: there is no such run.
        """
        for run in self.task_runs:
            if run.name.startswith(name):
                return [state_name for _, state_name, _, _ in run.states]
        message = f"No task run is named {name!r}; there are {[run.name for run in self.task_runs]}"
        raise LookupError(message)

    def flow_state_names(self) -> list[list[str]]:
        """Return the names of the states of each flow run, in the order in which they began."""
        return [[state.name for state in states] for states in self.flow_states.values()]


@contextmanager
def record_runs() -> Generator[Records]:
    """Keep what the runs that begin inside would report."""
    records = Records()
    token = watcher.set(records)
    try:
        yield records
    finally:
        watcher.reset(token)


@contextmanager
def virtual_time() -> Generator[VirtualClock]:
    """Let the runs that begin inside wait on a virtual clock."""
    clock = VirtualClock()
    with use_clock(clock):
        yield clock


@contextmanager
def headgate_test_harness() -> Generator[Records]:
    """Run flows without a server, in a home of their own that is gone afterwards.

    Starts nothing: no process, no socket, no database.
    """
    before = {name: value for name, value in os.environ.items() if name.startswith(_OWN)}
    for name in before:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="headgate-test-") as home:
        os.environ["HEADGATE_HOME"] = home
        try:
            with record_runs() as records:
                yield records
        finally:
            for name in [name for name in os.environ if name.startswith(_OWN)]:
                del os.environ[name]
            os.environ.update(before)
