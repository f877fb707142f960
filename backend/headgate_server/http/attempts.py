"""How often somebody may try to sign in: per account and per address, whoever they are."""

import hashlib
from math import ceil

from headgate_server.bus.buckets import Allowance, Buckets
from headgate_server.domain.errors import HeadgateError

SIGN_INS = Allowance(capacity=20, per_second=20 / 60)
RESETS = Allowance(capacity=5, per_second=5 / 3600)


class TooManyAttempts(HeadgateError):
    """Too many attempts; wait a moment and try again."""

    code = "RATE_LIMITED"
    is_retryable = True

    def __init__(self, *, wait_seconds: float) -> None:
        super().__init__()
        self.retry_after_seconds = max(ceil(wait_seconds), 1)


class Attempts:
    """Counts attempts before they are made, so that many at once are not more."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    async def take(self, *, account: str, ip: str | None) -> None:
        """Take one attempt at an account, from an address.

        Raises:
            TooManyAttempts: 20 a minute at one account, or from one address, known or not.
        """
        await self._take(f"sign-in:address:{ip}", SIGN_INS)
        await self._take(f"sign-in:account:{_digest(account)}", SIGN_INS)

    async def take_reset(self, *, account: str, ip: str | None) -> None:
        """Take one mail that resets a password.

        Raises:
            TooManyAttempts: 5 an hour to one address, or too many from one.
        """
        await self._take(f"sign-in:address:{ip}", SIGN_INS)
        await self._take(f"reset:account:{_digest(account)}", RESETS)

    async def _take(self, key: str, allowance: Allowance) -> None:
        taken = await self._buckets.take(key, cost=1, allowance=allowance)
        if not taken.is_granted:
            raise TooManyAttempts(wait_seconds=taken.wait_seconds)


def _digest(account: str) -> str:
    return hashlib.sha256(account.strip().lower().encode(errors="replace")).hexdigest()
