"""How often somebody may try to sign in: per account and per address, whoever they are."""

import hashlib
import unicodedata
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from math import ceil

from headgate_server.bus.buckets import Allowance, Buckets
from headgate_server.domain.errors import HeadgateError
from headgate_server.services.sign_ins import CodeNeeded, WrongCode

SIGN_INS = Allowance(capacity=20, per_second=20 / 60)
CODES = Allowance(capacity=5, per_second=5 / 600)
FACTORS = Allowance(capacity=5, per_second=5 / 600)
"""Three codes are good at any time: twenty a minute would find one within days."""
RESETS = Allowance(capacity=5, per_second=5 / 3600)


class TooManyAttempts(HeadgateError):
    """Too many attempts; wait a moment and try again."""

    code = "RATE_LIMITED"
    is_retryable = True

    def __init__(self, *, wait_seconds: float) -> None:
        super().__init__()
        self.retry_after_seconds = max(ceil(wait_seconds), 1)


class Attempts:
    """Counts attempts before they are made, so that many at once are not more.

    One that succeeds is given back: what is limited is how often somebody is wrong.
    """

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    @asynccontextmanager
    async def trying(self, *, account: str, ip: str | None) -> AsyncGenerator[None]:
        """Take one attempt at an account, from an address, for what a block tries.

        Raises:
            TooManyAttempts: 20 failures a minute at one account, or from one address.
        """
        keys = (f"sign-in:address:{_network(ip)}", f"sign-in:account:{_digest(account)}")
        async with self._failing(keys, SIGN_INS):
            yield

    @asynccontextmanager
    async def typing_code(self, *, account: str, ip: str | None) -> AsyncGenerator[None]:
        """Take one attempt at a code that somebody read from a terminal or an app.

        Raises:
            TooManyAttempts: 5 wrong codes in ten minutes, of one person or from one address.
        """
        keys = (f"code:address:{_network(ip)}", f"code:account:{_digest(account)}")
        async with self._failing(keys, CODES):
            yield

    @asynccontextmanager
    async def showing_factor(self, *, account: str) -> AsyncGenerator[None]:
        """Take one attempt at the second factor of an account, for what a block tries.

        Only a wrong code counts: who does not know the password keeps nobody out who does.

        Raises:
            TooManyAttempts: 5 wrong codes in ten minutes.
        """
        keys = (f"factor:account:{_digest(account)}",)
        await self._take(keys[0], FACTORS)
        try:
            yield
        except WrongCode:
            raise
        except HeadgateError:
            await self._give(keys, FACTORS)
            raise
        await self._give(keys, FACTORS)

    async def take_login(self, *, ip: str | None) -> None:
        """Take one login of a command line that begins.

        Raises:
            TooManyAttempts: 20 a minute from one address.
        """
        await self._take(f"login:address:{_network(ip)}", SIGN_INS)

    async def take_reset(self, *, account: str, ip: str | None) -> None:
        """Take one mail that resets a password.

        Raises:
            TooManyAttempts: 5 an hour to one address, or too many from one.
        """
        await self._take(f"sign-in:address:{_network(ip)}", SIGN_INS)
        await self._take(f"reset:account:{_digest(account)}", RESETS)

    async def _take(self, key: str, allowance: Allowance) -> None:
        taken = await self._buckets.take(key, cost=1, allowance=allowance)
        if not taken.is_granted:
            raise TooManyAttempts(wait_seconds=taken.wait_seconds)

    @asynccontextmanager
    async def _failing(self, keys: Sequence[str], allowance: Allowance) -> AsyncGenerator[None]:
        for key in keys:
            await self._take(key, allowance)
        try:
            yield
        except CodeNeeded:
            await self._give(keys, allowance)
            raise
        await self._give(keys, allowance)

    async def _give(self, keys: Sequence[str], allowance: Allowance) -> None:
        for key in keys:
            await self._buckets.give(key, cost=1, allowance=allowance)


def _digest(account: str) -> str:
    """Return what stands for an account, however it was typed."""
    plain = unicodedata.normalize("NFKC", account.strip()).lower()
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()


def _network(ip: str | None) -> str:
    """Return the address, or of a long one the network that one subscriber has."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return str(ip)
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)
