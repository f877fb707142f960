"""A transport of httpx2 that connects to addresses which a guard has looked at, and to no other."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import cast

import httpcore2
import httpx2
from typing_extensions import override

from headgate_server.outgoing.guards import Guard

ANSWER_SECONDS = 15.0
MAX_ANSWER_BYTES = 64 * 1024
_ENCODING = b"accept-encoding"


class AnswerTooLong(httpx2.ReadError):
    """More was answered than anybody asked for; the rest was not read."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests, reads whole answers, and follows no redirect.

    A certificate must be good for the name in the URL, whichever address was connected to. The
    environment's proxies are not used: they would connect wherever they like.

    Args:
        guard: decides where requests may go.
        answer_seconds: from the look-up of the name to the end of the answer.
        max_answer_bytes: of its body.
        certificates: what certificates must be signed by; None is what the system trusts.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        certificates: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._seconds = answer_seconds
        self._max_bytes = max_answer_bytes
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=certificates or httpx2.create_ssl_context(),
            network_backend=_GuardedNetwork(guard),
        )

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request.

        Raises:
            TargetRefused: it may not go there.
            httpx2.TransportError: no whole answer came in time.
        """
        self._guard.check(str(request.url))
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(request)
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise httpx2.ReadTimeout(f"No answer within {self._seconds:g} s.") from error
        except (OSError, httpcore2.NetworkError) as error:
            raise httpx2.ConnectError("No connection, or it broke.") from error
        except httpcore2.ProtocolError as error:
            raise httpx2.RemoteProtocolError("What answers does not speak HTTP.") from error

    @override
    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        sent = [(name, value) for name, value in request.headers.raw if name.lower() != _ENCODING]
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=str(request.url),
                headers=[*sent, (_ENCODING, b"identity")],
                content=cast("httpx2.AsyncByteStream", request.stream),
            )
        )
        try:
            headers = httpx2.Headers(answer.headers)
            if headers.get("content-encoding", "identity") != "identity":
                raise httpx2.DecodingError("The answer is encoded, although nobody asked for it.")
            content = await self._read(answer)
        finally:
            await answer.aclose()
        return httpx2.Response(answer.status, headers=headers, content=content)

    async def _read(self, answer: httpcore2.Response) -> bytes:
        read = bytearray()
        async for chunk in answer.aiter_stream():
            read += chunk
            if len(read) > self._max_bytes:
                raise AnswerTooLong(f"The answer is longer than {self._max_bytes:,} bytes.")
        return bytes(read)


class _GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that the guard names, one after the other."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._network = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception = httpcore2.ConnectError("The name has no address.")
        for address in await self._guard.addresses_of(host, port):
            try:
                return await self._network.connect_tcp(
                    str(address),
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    @override
    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)
