"""What signs in to a store, kept for as long as this process and what it was told stay the same.

So a run signs in once to each of its stores, however many secrets it reads there.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from headgate.api.background import reset_after_fork

T = TypeVar("T")

NETWORK = ("REQUESTS_CA_BUNDLE", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Variables by which libraries find their way, whatever the store."""


def environment(*prefixes: str) -> str:
    """Return a digest of the variables that decide who signs in, and where: some are secrets.

    Args:
        prefixes: what they begin with, beside those of the network.
    """
    wanted = (*prefixes, *NETWORK)
    told = sorted(
        (name, value) for name, value in os.environ.items() if name.upper().startswith(wanted)
    )
    return hashlib.sha256(repr(told).encode("utf-8", "surrogateescape")).hexdigest()


class Kept(Generic[T]):
    """Things that are made once for each environment; any thread may ask, a fork starts anew.

    Args:
        prefixes: what the variables begin with that decide who signs in, and where.
    """

    def __init__(self, *prefixes: str) -> None:
        self._prefixes = prefixes
        self._reset()
        reset_after_fork(self._reset)

    def get(self, *key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for a key, or make it now; what fails is made anew."""
        whole = (environment(*self._prefixes), *key)
        with self._lock:
            if whole not in self._made:
                self._made[whole] = make()
            return self._made[whole]

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[Hashable, ...], T] = {}
