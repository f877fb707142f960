"""What somebody wants of concurrency limits, before anybody is asked."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from headgate.ids import make_uuid

serving: ContextVar[Mapping[str, Any] | None] = ContextVar("headgate_serving", default=None)
"""The lease of the background task that is run here, as the API's ``BackgroundTaskLeaseInput``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Slots that somebody wants, of every limit named or of none.

    Args:
        timeout_seconds: how long to wait at most; None waits for ever.
        max_retries: how often to ask again at most, each for up to 20 seconds; None for ever.
        lease_seconds: how long slots outlive a process that is killed, outside of a run.
        is_strict: a name without a limit is an error.
        is_loss_raised: so is the loss of the slots.
        holder_run_id: the flow run that holds them, where it is not the one around.
        holder_task: the lease of the background task whose code wishes it, if that runs here.
        priority: who of those that wait is served first, high first.
        is_rate: every limit has to give its slots back by itself.
    """

    names: tuple[str, ...]
    task_tags: tuple[str, ...] = ()
    slots: int = 1
    timeout_seconds: float | None = None
    max_retries: int | None = None
    lease_seconds: float = 300.0
    is_strict: bool = False
    is_loss_raised: bool = False
    holder_run_id: str | None = None
    holder_task: Mapping[str, Any] | None = field(default_factory=serving.get)
    priority: int = 0
    is_rate: bool = False
    key: str = field(default_factory=make_uuid)

    @property
    def what(self) -> str:
        """How a message calls the limits."""
        return ", ".join((*self.names, *(f"tag {tag}" for tag in self.task_tags)))
