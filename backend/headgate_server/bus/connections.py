"""Connections to Redis whose commands end when the task that sends them is cancelled.

redis-py bounds a write by ``asyncio.wait_for``. On Python 3.11 that returns normally to a task that
is cancelled at the moment in which the write is through (python/cpython#86296): the cancellation is
lost, and a loop that was to end goes on for ever.
"""

import asyncio
from typing import Any, cast

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)


class _Cancellable(AbstractConnection):
    async def send_packed_command(self, *command: Any, **options: Any) -> None:
        task = asyncio.current_task()
        cancels = task.cancelling() if task else 0
        await cast("Any", super()).send_packed_command(*command, **options)
        if task is not None and task.cancelling() > cancels:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError


class _Tcp(_Cancellable, Connection): ...


class _Tls(_Cancellable, SSLConnection): ...


class _Unix(_Cancellable, UnixDomainSocketConnection): ...


_KINDS: dict[type[Any], type[Any]] = {
    Connection: _Tcp,
    SSLConnection: _Tls,
    UnixDomainSocketConnection: _Unix,
}


def open_pool(url: str, *, connect_seconds: float, answer_seconds: float, **options: Any) -> Any:
    """Return a pool of connections to an address; nothing is connected before the first command.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``; what it sets itself counts.
        connect_seconds: how long a connection may take to open.
        answer_seconds: how long a command may take to be sent, and its answer to come.
        options: of the connections, such as ``decode_responses``.

    Raises:
        ValueError: the address is none of Redis.
    """
    found: dict[str, Any] = {
        **options,
        "socket_connect_timeout": connect_seconds,
        "socket_timeout": answer_seconds,
        **cast("Any", parse_url)(url),
    }
    kind = found.pop("connection_class", Connection)
    return cast("Any", ConnectionPool)(connection_class=_KINDS[kind], **found)
