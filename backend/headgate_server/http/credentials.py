"""The credential of a connection that stays open: it is looked after for as long as that is."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus, Listener
from headgate_server.domain.allowlists import AddressNotAllowed
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import (
    Forbidden,
    HeadgateError,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from headgate_server.domain.tenancy import Principal
from headgate_server.http.auth import Authenticate, Proof

logger = logging.getLogger("headgate.http")

EXPIRED, REVOKED, CHANGED = "Token expired", "Forbidden", "Rights changed"
"""Why a connection ends; after the last, the same token opens it again, for what is left."""


BLIND_SECONDS = 4.0
"""How often to look while Redis is away: what was revoked is closed within five seconds."""


@dataclass(slots=True)
class Credential:
    """A token or a cookie, and whom it speaks for now.

    Args:
        bus: wakes the watch as the token's key is revoked; None leaves that to the next look.
        every_seconds: how often to look without being woken.
        address: where it is shown from.
    """

    token: Proof
    principal: Principal
    authenticate: Authenticate
    bus: Bus | None
    every_seconds: float
    address: str | None = None

    async def until_over(self) -> str:
        """Return why the token is good no more, as soon as it is not."""
        over = await self._look_after(self._watched())
        while over is None:
            over = await self._look_after(self._watched(), is_late=True)
        return over

    async def until_refused(self) -> HeadgateError:
        """Return the refusal of what still waits, as soon as the token is not good."""
        over = await self.until_over()
        # Who comes again is told what has changed.
        return Unauthenticated() if over in {EXPIRED, REVOKED} else Unavailable()

    def _watched(self) -> list[str]:
        """Return what wakes the watch: among others every key that the token is good by now."""
        watched = [channels.rights(self.principal.organization_id)]
        run = self.principal.run
        key_ids = [self.principal.api_key_id]
        if run is not None:
            key_ids += [run.api_key_id, run.agents_key_id]
        watched += [channels.api_key(key_id) for key_id in key_ids if key_id is not None]
        if self.principal.login_session_id is not None:
            watched.append(channels.login_session(self.principal.login_session_id))
        return watched

    async def _look_after(self, watched: list[str], *, is_late: bool = False) -> str | None:
        """Return why it is over; None where something else is to be watched by now.

        ``is_late`` looks first: what is watched may have ended before that.
        """
        if self.bus is None:
            return await self._until_over(None, watched)
        async with self.bus.listen(*watched) as listener:
            if is_late:
                listener.wake()
            return await self._until_over(listener, watched)

    async def _until_over(self, listener: Listener | None, watched: list[str]) -> str | None:
        looked_at = time.monotonic()
        while True:
            left = _seconds_left(self.principal.expires_at)
            wait = max(min(self.every_seconds, BLIND_SECONDS, left), 0.0)
            is_woken = await _wait(listener, wait)
            if not is_woken and left <= wait:
                return EXPIRED
            is_due = time.monotonic() - looked_at >= self.every_seconds
            if not (is_woken or is_due or self._is_blind):
                continue
            looked_at = time.monotonic()
            over = await self._look()
            if over is not None or (listener is not None and self._watched() != watched):
                return over

    async def _look(self) -> str | None:
        """Look the token up again; return why it is over, if it is."""
        before = self.principal
        try:
            found = await self.authenticate(self.token)
            found.check_address(self.address)
        except (Unauthenticated, Forbidden):
            return REVOKED
        except (AddressNotAllowed, Suspended) as error:
            return error.message
        except HeadgateError as error:
            if not error.is_retryable:
                return REVOKED
            logger.warning("A token could not be looked up again: %s", error.code)
            return None
        if found.organization_id != before.organization_id:
            # A slug that another organization has taken: rights there say nothing here.
            return CHANGED
        self.principal = found
        return None if found.all_rights().covers(before.all_rights()) else CHANGED

    @property
    def _is_blind(self) -> bool:
        """Whether a revocation on another replica wakes nobody here."""
        return self.bus is not None and not self.bus.is_connected


async def _wait(listener: Listener | None, seconds: float) -> bool:
    if listener is None:
        await asyncio.sleep(seconds)
        return False
    return await listener.wait(seconds)


def _seconds_left(expires_at: datetime | None) -> float:
    if expires_at is None:
        return float("inf")
    return (expires_at - SystemClock().now().astimezone(UTC)).total_seconds()
