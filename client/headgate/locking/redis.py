"""Locks for processes of many machines, in a Redis that they share."""

import os
import threading
import time
from typing import Any

from headgate.libraries import library

LOOK_SECONDS = 0.05
"""So often one who waits looks: a lock that runs out tells nobody."""
LEASE_SECONDS = 30.0
"""A lock whose holder said no time is free so soon after its process is gone."""
TIMEOUT_SECONDS = 10.0
_PREFIX = "headgate:lock:"

_TAKE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""


class RedisLockManager:
    """Keeps each lock in a key of Redis.

    A lock is free again when its holder gives it back, when its time is over, or soon after the
    process that held it is gone: while it lives, it renews those of which no time was said.

    Args:
        host, port, db: where Redis is.
        username, password: what signs in.
        ssl: whether it is spoken to over TLS.
        url: all of that as one address, as ``rediss://user:password@host:6379/0``.
        lease_seconds: how soon a lock is free after its process is gone.

    Raises:
        MissingExtraError: the library is not installed.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        ssl: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
        *,
        url: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._options = {
            "host": host,
            "port": port,
            "db": db,
            "username": username,
            "password": password,
            "ssl": ssl,
        }
        self._url = url
        self._lease_seconds = lease_seconds
        self._open()

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Wait for the lock, and say whether the holder has it."""
        ends_at = None if acquire_timeout is None else time.monotonic() + acquire_timeout
        seconds = self._lease_seconds if hold_timeout is None else hold_timeout
        while not self._run(_TAKE, key, holder, _milliseconds(seconds)):
            if ends_at is not None and time.monotonic() >= ends_at:
                return False
            time.sleep(LOOK_SECONDS)
        if hold_timeout is None:
            self._keep(key, holder)
        return True

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back.

        Raises:
            ValueError: the holder does not have it.
        """
        with self._guard:
            self._kept.pop(key, None)
        if not self._run(_RELEASE, key, holder):
            message = f"{holder} does not hold the lock of {key!r}"
            raise ValueError(message)

    def is_locked(self, key: str) -> bool:
        """Say whether somebody has the lock."""
        return self._holder(key) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Say whether this one has it."""
        return self._holder(key) == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody has the lock, and say whether that came in time."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        while self.is_locked(key):
            if ends_at is not None and time.monotonic() >= ends_at:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def close(self) -> None:
        """Close the connections; locks that are held run out."""
        self._is_closed.set()
        self._client.close()

    def _open(self) -> None:
        redis = library("redis", extra="redis")
        common = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
        if self._url is not None:
            self._client: Any = redis.Redis.from_url(self._url, **common)
        else:
            self._client = redis.Redis(**self._options, **common)
        self._guard = threading.Lock()
        self._kept: dict[str, str] = {}
        self._keeper: tuple[int, threading.Thread] | None = None
        self._is_closed = threading.Event()

    def _run(self, script: str, key: str, *arguments: str | int) -> bool:
        return bool(self._client.eval(script, 1, _PREFIX + key, *arguments))

    def _holder(self, key: str) -> str | None:
        found = self._client.get(_PREFIX + key)
        return found.decode() if isinstance(found, bytes) else found

    def _keep(self, key: str, holder: str) -> None:
        """Renew a lock from now on, as long as this process lives and has not given it back."""
        with self._guard:
            if self._keeper is None or self._keeper[0] != os.getpid():
                # Threads do not survive a fork, and what the parent held it renews itself.
                self._kept = {}
                thread = threading.Thread(
                    target=self._renew_all, name="headgate-redis-locks", daemon=True
                )
                self._keeper = (os.getpid(), thread)
                thread.start()
            self._kept[key] = holder

    def _renew_all(self) -> None:
        redis = library("redis", extra="redis")
        while not self._is_closed.wait(self._lease_seconds / 3):
            with self._guard:
                held = list(self._kept.items())
            for key, holder in held:
                try:
                    is_held = self._run(_RENEW, key, holder, _milliseconds(self._lease_seconds))
                except redis.RedisError:
                    # Asked again in a third of the lease; a lock that ran out is another's.
                    continue
                if not is_held:
                    with self._guard:
                        self._kept.pop(key, None)

    def __getstate__(self) -> dict[str, Any]:
        return {"options": self._options, "url": self._url, "lease": self._lease_seconds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._options, self._url = state["options"], state["url"]
        self._lease_seconds = state["lease"]
        self._open()


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
