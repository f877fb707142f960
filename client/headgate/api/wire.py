"""The gql library's side of the transport: its only importer, itself imported on first use."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from typing import Any, cast

import orjson
from gql import GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import (
    TransportClosed,
    TransportConnectionFailed,
    TransportError,
    TransportProtocolError,
    TransportQueryError,
    TransportServerError,
)
from gql.transport.websockets import WebsocketsTransport
from graphql import DocumentNode, ExecutionResult, parse

from headgate.errors import (
    ApiError,
    BadRequestError,
    ServerFaultError,
    ServerUnavailableError,
    UnauthenticatedError,
    fault,
)

SUBPROTOCOL = "graphql-transport-ws"
PING_INTERVAL_SECONDS = 20.0
MAX_FRAME_BYTES = 4 * 1024 * 1024
_CLOSE_UNAUTHENTICATED = ("4401", "4403")


class _Request(GraphQLRequest):
    """A request that sends its document as written instead of printing the tree each time."""

    def __init__(self, text: str, *, variables: dict[str, Any], operation: str) -> None:
        super().__init__(_parsed(text), variable_values=variables, operation_name=operation)
        self._text = text

    @property
    def payload(self) -> dict[str, Any]:
        return {
            "query": self._text,
            "operationName": self.operation_name,
            "variables": self.variable_values,
        }


@lru_cache(maxsize=512)
def _parsed(text: str) -> DocumentNode:
    return parse(text, no_location=True)


def _serialize(value: Any) -> str:
    return orjson.dumps(value).decode()


class HttpWire:
    """Calls over HTTP: one connection pool for one event loop."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._transport = AIOHTTPTransport(
            url=url,
            timeout=cast("int", timeout_seconds),
            json_serialize=_serialize,
            json_deserialize=orjson.loads,
            # trust_env: HTTP(S)_PROXY and NO_PROXY hold.
            client_session_args={"trust_env": True},
        )

    async def execute(
        self, text: str, *, token: str | None, variables: dict[str, Any], operation: str
    ) -> dict[str, Any]:
        """Send one operation and return its ``data``.

        Raises:
            ApiError: of the kind that the answer, or its absence, calls for.
        """
        if self._transport.session is None:
            await self._transport.connect()
        request = _Request(text, variables=variables, operation=operation)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            result = await self._transport.execute(request, extra_args={"headers": headers})
        except TransportServerError as error:
            raise _status_error(error, retry_after_seconds=self._retry_after()) from error
        except (TransportConnectionFailed, TransportClosed) as error:
            message = f"The server at {self._transport.url} did not answer: {error}"
            raise ServerUnavailableError(message) from error
        except TransportProtocolError as error:
            raise ServerFaultError(str(error)) from error
        return _data(result, retry_after_seconds=self._retry_after())

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    def _retry_after(self) -> float | None:
        headers = getattr(self._transport, "response_headers", None)
        text = headers.get("Retry-After", "") if headers else ""
        return float(text) if text.isdigit() else None


async def subscribe(
    url: str, *, token: str | None, text: str, variables: dict[str, Any], operation: str
) -> AsyncGenerator[dict[str, Any]]:
    """Open one socket with one subscription and yield the ``data`` of each message.

    Ends when the server completes the subscription.

    Raises:
        ApiError: the socket could not be opened, broke, or the server answered with an error.
    """
    transport = WebsocketsTransport(
        url=url.replace("http", "ws", 1),
        subprotocols=[SUBPROTOCOL],
        init_payload={"authorization": f"Bearer {token}"} if token else {},
        ping_interval=PING_INTERVAL_SECONDS,
        pong_timeout=PING_INTERVAL_SECONDS,
        connect_args={"max_size": MAX_FRAME_BYTES},
    )
    try:
        await transport.connect()
        request = _Request(text, variables=variables, operation=operation)
        async with aclosing(transport.subscribe(request)) as messages:
            async for result in messages:
                yield _data(result, retry_after_seconds=None)
    except TransportQueryError as error:
        details = cast("list[dict[str, Any]]", error.errors or [{"message": str(error)}])
        raise fault(details[0]) from error
    except TransportError as error:
        raise _socket_error(error, url=url) from error
    finally:
        await transport.close()


def _data(result: ExecutionResult, *, retry_after_seconds: float | None) -> dict[str, Any]:
    if result.errors:
        # gql passes the JSON through: these are mappings, whatever the annotation says.
        details = cast("list[dict[str, Any]]", result.errors)
        raise fault(details[0], retry_after_seconds=retry_after_seconds)
    if result.data is None:
        message = "The server answered without data"
        raise ServerFaultError(message)
    return result.data


def _status_error(error: TransportServerError, *, retry_after_seconds: float | None) -> ApiError:
    status = error.code or 500
    if status == 401:
        return UnauthenticatedError("The server did not accept the key")
    if status == 429:
        details = {"message": str(error), "extensions": {"code": "RATE_LIMITED"}}
        return fault(details, retry_after_seconds=retry_after_seconds)
    if status >= 500:
        return ServerUnavailableError(str(error), retry_after_seconds=retry_after_seconds)
    return BadRequestError(str(error))


def _socket_error(error: BaseException, *, url: str) -> ApiError:
    """Find the reason behind gql's wrapper: a refused key is final, anything else may pass."""
    reasons: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        reasons.append(str(cause))
        cause = cause.__cause__
    if any(code in reason for code in _CLOSE_UNAUTHENTICATED for reason in reasons):
        return UnauthenticatedError("The server did not accept the key")
    return ServerUnavailableError(f"The socket to {url} broke: {': '.join(reasons)}")
