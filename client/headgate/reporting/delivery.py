"""Delivers batches in order: to the server, or to disk while it is away, and from there later."""

import logging
import time
from collections.abc import Callable, Iterable

import msgspec

from headgate.api.transport import retry_delay_seconds
from headgate.errors import (
    ApiError,
    LeaseLostError,
    RetryableApiError,
    ServerFaultError,
    UnauthenticatedError,
)
from headgate.reporting.batches import Batch, LogBatch, name_of
from headgate.reporting.sender import Sender
from headgate.reporting.spool import Spool
from headgate.reporting.tenure import BLIP_SECONDS, RunRefusedError, Tenure

logger = logging.getLogger("headgate.reporting")

MAX_FAULTS = 5
"""So often may one batch make the server fail before it is set aside."""


class Delivery:
    """What became of a run's batches; used from the background loop only.

    A batch never overtakes another: while some wait on disk, new ones go behind them.

    Args:
        tenure: of a run that begins here: while it is not held, everything waits.
        is_held_back: whether a batch, and what is behind it, has to wait for something else.
    """

    def __init__(
        self,
        sender: Sender,
        spool: Spool,
        *,
        on_lost: Callable[[], None],
        tenure: Tenure | None = None,
        is_held_back: Callable[[Batch], bool] = lambda _: False,
    ) -> None:
        self.spool = spool
        self._tenure = tenure
        self._is_held_back = is_held_back
        self.is_lost = False
        self.lost_reason: str | None = None
        self._sender = sender
        self._in_flight: list[Batch] = []
        self._is_closed = False
        self._on_lost = on_lost
        self._retry_at = 0.0
        self._attempt = 0
        self._faults = 0

    @property
    def is_settled(self) -> bool:
        """Whether everything delivered so far was acknowledged, or nobody will ever take it."""
        return self.is_lost or not self.is_away

    @property
    def is_away(self) -> bool:
        """Whether what is reported waits for the server to be back."""
        return not self.spool.is_empty or not self.has_begun

    @property
    def only_waits(self) -> bool:
        """Whether what is reported goes to disk at once: nothing is on its way before it."""
        return self.is_away and not self.is_lost and not self._in_flight

    @property
    def has_begun(self) -> bool:
        """Whether the server knows of the run."""
        return self._tenure is None or self._tenure.is_held

    def begin_away(self) -> None:
        """Keep on disk that there is a run, which the server does not know of."""
        self.spool.open()
        self.postpone()

    def seconds_to_retry(self) -> float | None:
        """Return how long to wait before the server is asked again; None when nothing waits."""
        if self.is_settled:
            return None
        return max(0.0, self._retry_at - time.monotonic())

    def retry_now(self) -> None:
        """Ask the server again at once: something that was waited for has come about."""
        self._retry_at = 0.0
        tenure = self._tenure
        if tenure is not None and tenure.is_held and self.spool.header.begin is not None:
            self._attempt = 0
            self.spool.know_token(tenure.transport.token or "")

    async def deliver(self, batch: Batch) -> None:
        """Send a batch, or put it on disk behind those that wait."""
        if self.is_lost:
            return
        batch = self.spool.placed(batch)
        if self.is_away or self._is_held_back(batch):
            self.spool.append(batch)
            return
        self._in_flight.append(batch)
        try:
            await self._send_first(batch)
        finally:
            self._in_flight.remove(batch)

    async def _send_first(self, batch: Batch) -> None:
        try:
            await self._sender.send(batch, deadline_seconds=BLIP_SECONDS)
        except (RetryableApiError, ServerFaultError) as error:
            if self._is_closed:
                return
            logger.warning(
                "The server is away (%s); the run goes on, its reports wait in %s",
                error,
                self.spool.path,
            )
            self.spool.append(batch)
            self._attempt = 0
            self.postpone(error)
        except (LeaseLostError, UnauthenticatedError) as error:
            self.lose(str(error))
        except ApiError as error:
            self._set_aside(batch, error=error)

    async def replay_when_due(self) -> None:
        """Send what waits on disk, oldest first, until all is sent or the server is away again."""
        if self.is_settled or self._is_closed or time.monotonic() < self._retry_at:
            return
        if not await self._has_tenure():
            return
        while not self.spool.is_empty:
            batch = self._first()
            if batch is None or not await self._has_sent(batch):
                return
            self.spool.remove_first()
            self._attempt = self._faults = 0
        logger.warning("The server is back; all reports of run %s were delivered", self._run_id)

    async def _has_sent(self, batch: Batch) -> bool:
        """Send what waits first; False where it has to wait on, or nobody will ever take it."""
        if self._is_held_back(batch):
            self.postpone()
            return False
        try:
            await self._sender.send(batch, deadline_seconds=0)
        except RetryableApiError as error:
            self.postpone(error)
            return False
        except ServerFaultError as error:
            self._faults += 1
            if self._faults < MAX_FAULTS:
                self.postpone(error)
                return False
            self._set_aside(batch, error=error)
        except (LeaseLostError, UnauthenticatedError) as error:
            self.lose(str(error))
            return False
        except ApiError as error:
            self._set_aside(batch, error=error)
        return True

    @property
    def _run_id(self) -> str:
        return self.spool.header.lease.run_id

    async def _has_tenure(self) -> bool:
        """Have the server know of the run, if it does not yet; whether it does now."""
        if self._tenure is None or self._tenure.is_held:
            return True
        try:
            await self._tenure.hold()
        except RetryableApiError as error:
            self.postpone(error)
            return False
        except RunRefusedError as error:
            self._refuse(error)
            return False
        return True

    def _refuse(self, error: RunRefusedError) -> None:
        self.is_lost = True
        self.lost_reason = str(error)
        logger.error("%s; what it reported is kept in %s", error, self.spool.set_aside())
        self._on_lost()

    def _first(self) -> Batch | None:
        try:
            return self.spool.first()
        except (OSError, msgspec.DecodeError):
            logger.exception("The reports that waited in %s cannot be read", self.spool.path)
            self.spool.discard()
            return None

    def leave_on_disk(self, batches: Iterable[Batch]) -> None:
        """Write what is on its way, and then these, to disk for another process to deliver."""
        waiting = list(self._in_flight)
        self._is_closed = True
        for batch in waiting:
            self.spool.append(batch)
        for batch in batches:
            self.spool.append(self.spool.placed(batch))
        if self.spool.held_count:
            logger.error(
                "The disk is full: %d batches of reports are lost with this process",
                self.spool.held_count,
            )

    def lose(self, reason: str) -> None:
        """Report nothing more: another attempt owns the run, or the token is dead."""
        if self.is_lost:
            return
        self.is_lost = True
        self.lost_reason = reason
        logger.error("The server takes no more reports of this run: %s", reason)
        self.spool.discard()
        self._on_lost()

    def postpone(self, error: ApiError | None = None) -> None:
        """Leave what waits on disk for later, as long as the server wishes or a little longer."""
        wish = error.retry_after_seconds if isinstance(error, RetryableApiError) else None
        self._retry_at = time.monotonic() + retry_delay_seconds(self._attempt, wish_seconds=wish)
        self._attempt += 1

    def _set_aside(self, batch: Batch, *, error: ApiError) -> None:
        path = self.spool.reject(batch)
        what = f"The server will not take {name_of(batch)}: {error}"
        logger.error("%s; it is kept in %s", what, path)
        self._sender.on_refused(what, isinstance(batch, LogBatch))
