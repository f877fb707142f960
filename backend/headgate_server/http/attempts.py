"""How often somebody may try to sign in: per account and per address, whoever they are."""

import hashlib
import unicodedata
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from math import ceil

from headgate_server.bus.buckets import Allowance, Buckets
from headgate_server.domain.cli_logins import CodeExpired
from headgate_server.domain.errors import HeadgateError
from headgate_server.services.sign_ins import CodeNeeded, WrongCode

SIGN_INS = Allowance(capacity=20, per_second=20 / 60)
AT_ACCOUNT = Allowance(capacity=20, per_second=20 / 3600)
"""Of one address at one account: who is alone there does not use up what the account has."""
BY_STRANGERS = Allowance(capacity=100, per_second=100 / 3600)
"""From everywhere at one account, but in browsers that it signed in in before."""
CODES = Allowance(capacity=5, per_second=5 / 600)
FACTORS = Allowance(capacity=5, per_second=5 / 600)
"""Three codes are good at any time: twenty a minute would find one within days."""
POLLS = Allowance(capacity=20, per_second=20 / 60)
"""Of one code; a command line asks twelve times a minute, and less once it is told so."""
RESETS = Allowance(capacity=5, per_second=5 / 3600)
ALL_RESETS = Allowance(capacity=20, per_second=20 / 3600)


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
    async def signing_in(
        self, *, account: str, ip: str | None, device: str | None
    ) -> AsyncGenerator[None]:
        """Take one attempt at the password of an account for what a block tries.

        Failures elsewhere keep nobody out of a browser in which they signed in before: it is
        counted by itself, and nothing else counts there. Whether there is such an account makes
        no difference.

        Args:
            account: as it was typed.
            ip: where from.
            device: the name of a browser in which this account signed in before.

        Raises:
            TooManyAttempts: 20 failures a minute in a browser that is known; in any other 20 a
                minute from one address, 20 an hour from it at this account, or 100 an hour at this
                account from everywhere.
        """
        network, name = network_of(ip), digest_of(account)
        if device is not None:
            limits = {f"sign-in:device:{name}:{device}": SIGN_INS}
        else:
            limits = {
                f"sign-in:address:{network}": SIGN_INS,
                f"sign-in:pair:{name}:{network}": AT_ACCOUNT,
                f"sign-in:strangers:{name}": BY_STRANGERS,
            }
        async with self._failing(limits):
            yield

    @asynccontextmanager
    async def trying(self, *, account: str, ip: str | None) -> AsyncGenerator[None]:
        """Take one attempt at what only its owner can name, such as a link, for what a block tries.

        Raises:
            TooManyAttempts: 20 failures a minute at one, or from one address.
        """
        keys = (f"sign-in:address:{network_of(ip)}", f"sign-in:account:{digest_of(account)}")
        async with self._failing(dict.fromkeys(keys, SIGN_INS)):
            yield

    @asynccontextmanager
    async def typing_code(self, *, account: str, ip: str | None) -> AsyncGenerator[None]:
        """Take one attempt at a code that somebody read from a terminal or an app.

        Raises:
            TooManyAttempts: 5 wrong codes in ten minutes, of one person or from one address.
        """
        keys = (f"code:address:{network_of(ip)}", f"code:account:{digest_of(account)}")
        async with self._failing(dict.fromkeys(keys, CODES)):
            yield

    @asynccontextmanager
    async def showing_factor(self, *, account: str) -> AsyncGenerator[None]:
        """Take one attempt at the second factor of an account, for what a block tries.

        Only a wrong code counts: who does not know the password keeps nobody out who does.

        Raises:
            TooManyAttempts: 5 wrong codes in ten minutes.
        """
        limits = {f"factor:account:{digest_of(account)}": FACTORS}
        await self._take(limits)
        try:
            yield
        except WrongCode:
            raise
        except HeadgateError:
            await self._give(limits)
            raise
        await self._give(limits)

    @asynccontextmanager
    async def polling(self, *, code: str, ip: str | None) -> AsyncGenerator[None]:
        """Take one question of a command line whether its login was allowed.

        Raises:
            TooManyAttempts: 20 a minute under one code, or under codes that are none from one
                address: the database is not asked.
        """
        await self._take({f"poll:code:{digest_of(code)}": POLLS})
        limits = {f"poll:address:{network_of(ip)}": SIGN_INS}
        await self._take(limits)
        try:
            yield
        except CodeExpired:
            raise
        except HeadgateError:
            await self._give(limits)
            raise
        await self._give(limits)

    async def take_login(self, *, ip: str | None) -> None:
        """Take one login of a command line that begins.

        Raises:
            TooManyAttempts: 20 a minute from one address.
        """
        await self._take({f"login:address:{network_of(ip)}": SIGN_INS})

    async def take_reset(self, *, account: str, ip: str | None, device: str | None) -> None:
        """Take one mail that resets a password.

        As with sign-ins, what strangers ask for keeps nobody out of a browser that is known.

        Raises:
            TooManyAttempts: 5 an hour in a browser that is known; in any other 5 an hour of one
                account from one address, 20 an hour of it from everywhere, or too many from one
                address.
        """
        network, name = network_of(ip), digest_of(account)
        if device is not None:
            await self._take({f"reset:device:{name}:{device}": RESETS})
            return
        await self._take(
            {
                f"sign-in:address:{network}": SIGN_INS,
                f"reset:pair:{name}:{network}": RESETS,
                f"reset:account:{name}": ALL_RESETS,
            }
        )

    async def _take(self, limits: Mapping[str, Allowance]) -> None:
        for key, allowance in limits.items():
            taken = await self._buckets.take(key, cost=1, allowance=allowance)
            if not taken.is_granted:
                raise TooManyAttempts(wait_seconds=taken.wait_seconds)

    @asynccontextmanager
    async def _failing(self, limits: Mapping[str, Allowance]) -> AsyncGenerator[None]:
        await self._take(limits)
        try:
            yield
        except CodeNeeded:
            await self._give(limits)
            raise
        await self._give(limits)

    async def _give(self, limits: Mapping[str, Allowance]) -> None:
        for key, allowance in limits.items():
            await self._buckets.give(key, cost=1, allowance=allowance)


def digest_of(account: str) -> str:
    """Return what stands for an account, however it was typed."""
    plain = unicodedata.normalize("NFKC", account.strip()).lower()
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()


def network_of(ip: str | None) -> str:
    """Return the address, or of a long one the network that one subscriber has."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return str(ip)
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)
