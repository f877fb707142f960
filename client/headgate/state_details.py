"""Facts about a state under Prefect's names: whose it is, when it is due, which cache it is of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class StateDetails:
    """What ``state.state_details`` answers.

    Args:
        flow_run_id: of the run that entered the state, or in which its task run did.
        task_run_id: of the task run that entered it; None where a flow run did.
        scheduled_time: when the run is due, or its next attempt is.
    """

    flow_run_id: str | None = None
    task_run_id: str | None = None
    scheduled_time: datetime | None = None
    cache_key: str | None = None
    pause_timeout: datetime | None = None


class Detailed:
    """A state that knows whose it is: the first run that entered it."""

    __slots__ = ("run_ids",)

    details: dict[str, Any] | None
    run_ids: tuple[str | None, str | None, str | None]
    """Of the flow run and of the task run, and the cache key."""

    def belong_to(
        self, *, flow_run_id: str | None, task_run_id: str | None = None, key: str | None = None
    ) -> None:
        """Note whose it is, unless it is somebody's: a flow may return the state of a task."""
        if getattr(self, "run_ids", None) is None:
            self.run_ids = (flow_run_id, task_run_id, key)

    @property
    def state_details(self) -> StateDetails:
        """Whose it is, when it is due, and which cache it is of."""
        flow_run_id, task_run_id, key = getattr(self, "run_ids", (None, None, None))
        details = self.details or {}
        due = details.get("scheduledAt") or details.get("retryAt") or details.get("scheduledTime")
        return StateDetails(
            flow_run_id, task_run_id, _instant(due), key, _instant(details.get("expiresAt"))
        )


def _instant(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
