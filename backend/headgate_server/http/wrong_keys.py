"""Keys that are wrong: how many are looked up for one address, and of one key from there.

Only a failure counts, and a token that was good here is never refused for the failures of others
behind its address: nor is one that is shown for the first time, until those have tried several
keys. A program with one wrong key stops at that key's limit, which leaves the address its own.
"""

import hashlib
import time
from collections.abc import Mapping

from headgate_server.bus.buckets import Allowance, Buckets
from headgate_server.domain.api_keys import KeyToken, parse_token
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.tenancy import Principal
from headgate_server.http.attempts import TooManyAttempts, network_of
from headgate_server.http.auth import Authenticate, Proof

OF_A_KEY = Allowance(capacity=20, per_second=20 / 60)
"""Of one key from one address."""
OF_AN_ADDRESS = Allowance(capacity=200, per_second=2)
MOST_KNOWN = 10_000


class WrongKeys:
    """Authenticates, and looks up no further keys for who has shown too many wrong ones.

    What derives from a secret of ours, such as a run's token, cannot be guessed and asks no
    database until it is found whole: it is not counted.
    """

    def __init__(self, authenticate: Authenticate, *, buckets: Buckets, pepper: str) -> None:
        """Count nothing yet; the buckets are those of all replicas."""
        self._authenticate = authenticate
        self._buckets = buckets
        self._pepper = pepper
        self._good: dict[bytes, None] = {}
        self._until: dict[str, float] = {}

    async def __call__(self, proof: Proof, address: str | None) -> Principal:
        """Return who a token or a cookie speaks for, as it is shown from an address.

        Raises:
            Unauthenticated: anything is wrong with it.
            TooManyAttempts: 20 wrong secrets of this key were shown from there, or 200 of any
                keys; the database is not asked. In a minute 20 and 120 more may be.
        """
        if not isinstance(proof, str):
            return await self._authenticate(proof)
        digest = hashlib.sha256(proof.encode()).digest()
        if self._until and digest not in self._good:
            self._check(self._limits(proof, address))
        try:
            principal = await self._authenticate(proof)
        except Unauthenticated:
            self._good.pop(digest, None)
            await self._count(self._limits(proof, address))
            raise
        if principal.secret_number is not None and digest not in self._good:
            if len(self._good) >= MOST_KNOWN:
                del self._good[next(iter(self._good))]
            self._good[digest] = None
        return principal

    def _limits(self, token: str, address: str | None) -> Mapping[str, Allowance]:
        try:
            parsed = parse_token(token, pepper=self._pepper)
        except Unauthenticated:
            return {}
        if not isinstance(parsed, KeyToken):
            return {}
        network = network_of(address)
        return {f"key:{parsed.id}:{network}": OF_A_KEY, f"key:{network}": OF_AN_ADDRESS}

    def _check(self, limits: Mapping[str, Allowance]) -> None:
        now = time.monotonic()
        for key in limits:
            wait = self._until.get(key, now) - now
            if wait > 0:
                raise TooManyAttempts(wait_seconds=wait)

    async def _count(self, limits: Mapping[str, Allowance]) -> None:
        for key, allowance in limits.items():
            taken = await self._buckets.take(key, cost=1, allowance=allowance)
            left = taken.remaining if taken.is_granted else 0.0
            if left < 1:
                self._shut(key, for_seconds=(1 - left) / allowance.per_second)
            if not taken.is_granted:
                return

    def _shut(self, key: str, *, for_seconds: float) -> None:
        now = time.monotonic()
        if len(self._until) >= MOST_KNOWN:
            self._until = {known: until for known, until in self._until.items() if until > now}
        if len(self._until) < MOST_KNOWN:
            self._until[key] = now + for_seconds
