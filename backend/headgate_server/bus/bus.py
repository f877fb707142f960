"""The bus: wakes listeners of a channel here and, through Redis, on every other replica.

A wake is a hint to look at the database. It may be lost, doubled or late: every listener also
looks by itself from time to time, more often while ``is_connected`` is False.
"""

import asyncio
import logging
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from headgate_server.bus.connections import open_pool

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
PUBLISH_TIMEOUT_SECONDS = 0.5
RECONNECT_SECONDS = 0.5
SILENCE_SECONDS = 2.0
"""After so long without a word Redis is asked whether it is still there."""
ANSWER_SECONDS = 2.0
"""A Redis that says nothing to that for so long is away, though its connections are open."""


class Listener:
    """Waits for the wakes of channels; any number of wakes while nobody waits count as one."""

    def __init__(self, bus: "Bus", channels: tuple[str, ...]) -> None:
        self.channels = channels
        self._bus = bus
        self._event = asyncio.Event()

    def wake(self) -> None:
        """End the current wait, or the next one."""
        self._event.set()

    async def wait(self, timeout_seconds: float | None) -> bool:
        """Wait for a wake; False where the time ran out first."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    async def close(self) -> None:
        """Stop listening."""
        await self._bus.remove(self)

    async def __aenter__(self) -> Self:
        await self._bus.add(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class Bus:
    """One Redis connection for subscriptions and one for publications, both re-opened when lost."""

    def __init__(self, url: str, *, prefix: str = "headgate") -> None:
        """Describe the bus; nothing is connected before ``start``.

        Args:
            url: a Redis or Valkey address.
            prefix: keeps installations that share a Redis apart.
        """
        pool = open_pool(url, connect_seconds=CONNECT_SECONDS, answer_seconds=ANSWER_SECONDS)
        self._redis: Any = Redis.from_pool(pool)
        self._prefix = f"{prefix}:wake:"
        self._replica = uuid4().hex.encode()
        self._listeners: dict[str, set[Listener]] = {}
        self._pubsub: Any = None
        self._outgoing: set[str] = set()
        self._has_outgoing = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._is_stopping = False
        self._has_lost = False
        self.is_connected = False

    async def start(self) -> None:
        """Begin to connect, in the background; the bus works locally until Redis answers."""
        self._tasks = (
            asyncio.create_task(self._receive_forever(), name="bus-receive"),
            asyncio.create_task(self._publish_forever(), name="bus-publish"),
        )

    async def stop(self) -> None:
        """Publish what is waiting, if Redis answers, and close the connections.

        The client may swallow a cancellation, so both tasks also look at ``_is_stopping``.
        """
        self._is_stopping = True
        self._has_outgoing.set()
        for task in self._tasks[:1]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.is_connected = False
        await self._redis.aclose()

    async def publish(self, names: AbstractSet[str]) -> None:
        """Wake the listeners of these channels, here at once and elsewhere in a moment."""
        for name in names:
            for listener in self._listeners.get(name, ()):
                listener.wake()
        self._outgoing.update(names)
        self._has_outgoing.set()

    async def send(self, names: AbstractSet[str]) -> bool:
        """Wake the listeners of these channels elsewhere, now; whether Redis took it.

        The first wake that is lost is logged, and not each one that follows it.
        """
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                pipeline = self._redis.pipeline(transaction=False)
                for name in names:
                    pipeline.publish(self._prefix + name, self._replica)
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            if not self._has_lost:
                logger.warning("Wakes are lost, the sweep will find their work: %s", error)
            self._has_lost = True
        else:
            self._has_lost = False
        return not self._has_lost

    def listen(self, *channels: str) -> Listener:
        """Return a listener of any of the channels; use it as an asynchronous context manager."""
        return Listener(self, channels)

    async def add(self, listener: Listener) -> None:
        """Start to listen: the first listener of a channel subscribes to it."""
        for channel in listener.channels:
            known = self._listeners.setdefault(channel, set())
            known.add(listener)
            if len(known) == 1 and self.is_connected:
                await self._safely(self._pubsub.subscribe(self._prefix + channel))

    async def remove(self, listener: Listener) -> None:
        """Stop to listen: the last listener of a channel unsubscribes from it."""
        for channel in listener.channels:
            known = self._listeners.get(channel)
            if known is None or listener not in known:
                continue
            known.discard(listener)
            if not known:
                del self._listeners[channel]
                if self.is_connected:
                    await self._safely(self._pubsub.unsubscribe(self._prefix + channel))

    async def _safely(self, sending: Any) -> None:
        try:
            await sending
        except (RedisError, OSError, RuntimeError):
            self._lose()

    async def _receive_forever(self) -> None:
        while not self._is_stopping:
            try:
                await self._receive()
            except (RedisError, OSError, RuntimeError) as error:
                if self.is_connected:
                    logger.warning("Redis is away; looking at the database more often: %s", error)
                self._lose()
                await asyncio.sleep(RECONNECT_SECONDS)

    def _lose(self) -> None:
        """Say that wakes of others do not come; who waits for one looks now, and then by itself."""
        was_connected, self.is_connected = self.is_connected, False
        if was_connected:
            self._wake_all()

    async def _receive(self) -> None:
        self._pubsub = self._redis.pubsub()
        own = self._prefix + self._replica.decode()
        try:
            await self._pubsub.subscribe(own)
            await self._hear()
            await self._subscribe_all()
            self.is_connected = True
            self._wake_all()
            while self.is_connected and not self._is_stopping:
                message = await self._hear()
                if message["type"] == "message" and message["data"] != self._replica:
                    self._wake(message["channel"].decode().removeprefix(self._prefix))
        finally:
            await self._pubsub.aclose()

    async def _hear(self) -> dict[str, Any]:
        """Return what Redis says next, be it only that it is there.

        Raises:
            RedisTimeoutError: it says nothing, not even when it is asked.
        """
        message = await self._pubsub.get_message(timeout=SILENCE_SECONDS)
        if message is None:
            await self._pubsub.ping()
            message = await self._pubsub.get_message(timeout=ANSWER_SECONDS)
        if message is None:
            raise RedisTimeoutError("it does not answer")
        return message

    async def _subscribe_all(self) -> None:
        """Subscribe to what is listened to, and to what others begin to listen to meanwhile."""
        known: set[str] = set()
        while new := self._listeners.keys() - known:
            known |= new
            await self._pubsub.subscribe(*(self._prefix + channel for channel in new))
        if left := known - self._listeners.keys():
            await self._pubsub.unsubscribe(*(self._prefix + channel for channel in left))

    def _wake(self, channel: str) -> None:
        for listener in self._listeners.get(channel, ()):
            listener.wake()

    def _wake_all(self) -> None:
        for channel in self._listeners:
            self._wake(channel)

    async def _publish_forever(self) -> None:
        while not self._is_stopping:
            await self._has_outgoing.wait()
            self._has_outgoing.clear()
            names, self._outgoing = self._outgoing, set()
            # Others may well hear, whether or not this one does at the moment.
            if names and not await self.send(names):
                await asyncio.sleep(RECONNECT_SECONDS)


async def publish_once(url: str, names: AbstractSet[str], *, prefix: str) -> None:
    """Wake the listeners of channels on every replica, from a process that has no bus.

    A Redis that is away is waited for no longer than ``PUBLISH_TIMEOUT_SECONDS``, and logged.

    Args:
        url: a Redis or Valkey address.
        names: the channels.
        prefix: as of the replicas.
    """
    bus = Bus(url, prefix=prefix)
    try:
        await bus.send(names)
    finally:
        await bus.stop()
