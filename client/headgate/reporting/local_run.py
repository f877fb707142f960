"""A flow run without a server: nothing is reported, and retries are decided here."""

from contextvars import ContextVar
from typing import Any, Protocol

from headgate.clock import now_us
from headgate.ids import make_id
from headgate.reporting.batches import Report
from headgate.reporting.records import TaskRun, Verdict
from headgate.states import AwaitingRetry, Retrying, State


class Watcher(Protocol):
    """Whoever wants to see what runs without a server would report: a test."""

    def see_task(self, run: TaskRun) -> None:
        """Take note that a task run changed."""
        ...

    def see_flow(self, flow_run_id: str, state: State[Any]) -> None:
        """Take note that a flow run entered a state."""
        ...

    def see_report(self, report: Report) -> None:
        """Take note of an artifact or the like."""
        ...


class Answers:
    """Answers proposals as a server would, from its own memory."""

    def __init__(self) -> None:
        self._retries_used = 0

    def note(self, state: State[Any]) -> None:
        """Remember what a server answered."""
        self._retries_used += state.name == "AwaitingRetry"

    def verdict(self, state: State[Any], *, retry: dict[str, Any] | None) -> Verdict:
        """Accept every state; a failure with attempts left becomes AwaitingRetry."""
        if state.is_failed() and retry and self._retries_used < retry["limit"]:
            self._retries_used += 1
            at = now_us() + int(retry["delaySeconds"] * 1_000_000)
            return Verdict(accepted=True, state=AwaitingRetry(retry_at_us=at))
        if state.is_running() and self._retries_used:
            return Verdict(accepted=True, state=Retrying())
        return Verdict(accepted=True, state=state)


watcher: ContextVar[Watcher | None] = ContextVar("headgate_watcher", default=None)


class LocalRun:
    """Answers proposals itself."""

    is_reporting = False

    def __init__(self) -> None:
        self.flow_run_id = make_id("run")
        self._answers = Answers()
        self._watcher = watcher.get()

    def record_task(self, run: TaskRun) -> None:
        """Tell whoever watches: the engine holds the task run."""
        if self._watcher is not None:
            self._watcher.see_task(run)

    def report(self, report: Report) -> None:
        """Tell whoever watches: nobody else looks at it."""
        if self._watcher is not None:
            self._watcher.see_report(report)

    def drops_log(self, level: int) -> bool:
        """Say yes: the terminal has the line."""
        del level
        return True

    def append_log(
        self,
        *,
        timestamp_us: int,
        level: int,
        logger: str,
        message: str,
        task_run_id: str | None,
    ) -> None:
        """Do nothing: the terminal has the line."""

    def propose(self, state: State[Any], *, retry: dict[str, Any] | None = None) -> Verdict:
        """Accept every state; a failure with attempts left becomes AwaitingRetry."""
        verdict = self._answers.verdict(state, retry=retry)
        if self._watcher is not None:
            self._watcher.see_flow(self.flow_run_id, verdict.state)
        return verdict

    def abandon(self) -> None:
        """Do nothing: there is nobody to tell."""
