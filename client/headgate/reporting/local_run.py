"""A flow run without a server: nothing is reported, and retries are decided here."""

from typing import Any

from headgate.clock import now_us
from headgate.ids import make_id
from headgate.reporting.batches import Report
from headgate.reporting.records import TaskRun, Verdict
from headgate.states import AwaitingRetry, Retrying, State


class LocalRun:
    """Answers proposals as a server would, from its own memory."""

    is_reporting = False

    def __init__(self) -> None:
        self.flow_run_id = make_id("run")
        self._retries_used = 0

    def record_task(self, run: TaskRun) -> None:
        """Do nothing: the engine holds the task run."""

    def report(self, report: Report) -> None:
        """Do nothing: nobody looks at it."""

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
        if state.is_failed() and retry and self._retries_used < retry["limit"]:
            self._retries_used += 1
            at = now_us() + int(retry["delaySeconds"] * 1_000_000)
            return Verdict(accepted=True, state=AwaitingRetry(retry_at_us=at))
        if state.is_running() and self._retries_used:
            return Verdict(accepted=True, state=Retrying())
        return Verdict(accepted=True, state=state)

    def abandon(self) -> None:
        """Do nothing: there is nobody to tell."""
