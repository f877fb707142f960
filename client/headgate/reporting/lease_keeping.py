"""Keeps the lease of a run by renewing it, and hears whether the run should go on."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from headgate.api import flow_runs
from headgate.api.calls import LeaseInput
from headgate.api.flow_runs import PauseRequest
from headgate.api.transport import Transport
from headgate.errors import ApiError, RetryableApiError
from headgate.reporting.delivery import Delivery

logger = logging.getLogger("headgate.reporting")

_OVER = {
    "LOST": "another attempt or a person took over the run",
    "UNKNOWN": "the server knows no such run",
    "FINISHED": "the run was ended while this process worked on it",
}

pause_listeners: dict[str, Callable[[PauseRequest], None]] = {}
"""By run, who is called when somebody asked it to pause; for as long as its lease is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseKeeper:
    """Renews one lease until it is lost.

    Args:
        is_due: whether this process has to renew now: an agent that lives renews for its children,
            and a run that the server does not know of has no lease yet.
        is_ending: whether the run's end was proposed.
        on_cancel: called when the run should stop.
    """

    transport: Transport
    lease: LeaseInput
    delivery: Delivery
    interval_seconds: float
    is_due: Callable[[], bool]
    is_ending: Callable[[], bool]
    on_cancel: Callable[[], None]

    async def keep(self) -> None:
        """Go on until the lease is lost."""
        try:
            await self._keep()
        finally:
            pause_listeners.pop(self.lease.run_id, None)

    async def _keep(self) -> None:
        has_cancelled = False
        while not self.delivery.is_lost:
            spread = random.uniform(0.9, 1.1)  # noqa: S311 - spread
            await asyncio.sleep(self.interval_seconds * spread)
            if not self.is_due():
                continue
            outcome = await self._renew()
            if outcome in _OVER and not self.is_ending():
                # Whoever took the run over counts on this process not to work on beside it.
                self.delivery.lose(_OVER[outcome])
                self.on_cancel()
            elif outcome == "CANCEL_REQUESTED" and not has_cancelled:
                has_cancelled = True
                self.on_cancel()

    async def _renew(self) -> str:
        """Return the verdict's outcome; empty where there was none."""
        try:
            verdict = await flow_runs.renew(
                self.transport, lease=self.lease, deadline_seconds=self.interval_seconds / 2
            )
        except RetryableApiError as error:
            logger.debug("The lease of run %s was not renewed: %s", self.lease.run_id, error)
        except ApiError as error:
            self.delivery.lose(str(error))
        else:
            listener = pause_listeners.get(self.lease.run_id)
            if verdict.pause_request is not None and listener is not None:
                listener(verdict.pause_request)
            return verdict.outcome
        return ""
