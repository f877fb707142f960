"""Subscriptions over a websocket through gql; imported on the first subscription."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed, InvalidStatus

from headgate.api.wire import Request, read_data
from headgate.errors import ApiError, ServerUnavailableError, UnauthenticatedError, fault

SUBPROTOCOL = "graphql-transport-ws"
PING_INTERVAL_SECONDS = 20.0
HANDSHAKE_SECONDS = 10.0
MAX_FRAME_BYTES = 4 * 1024 * 1024
_CLOSED_UNAUTHENTICATED = re.compile(r"\breceived (?:4401|4403) \(")
_RETRY_AFTER = re.compile(r"retry after (\d+) s")


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
        connect_timeout=cast("int", HANDSHAKE_SECONDS),
        ack_timeout=HANDSHAKE_SECONDS,
        connect_args={"max_size": MAX_FRAME_BYTES},
    )
    try:
        await transport.connect()
        request = Request(text, variables=variables, operation=operation)
        async with aclosing(transport.subscribe(request)) as messages:
            async for result in messages:
                yield read_data(result, retry_after_seconds=None)
    except TransportQueryError as error:
        details = cast("list[dict[str, Any]]", error.errors or [{"message": str(error)}])
        raise fault(details[0]) from error
    except (TransportError, TimeoutError) as error:
        # gql lets the time-out of a handshake through as it is.
        raise _socket_error(error, url=url) from error
    finally:
        await transport.close()


def retry_after_seconds(error: BaseException) -> float | None:
    """Return when a server that had no place for a socket wants it again, if it said so.

    It says so as it refuses the handshake, or with the reason for which it closes the socket.
    """
    cause: BaseException | None = error
    while cause is not None:
        text = ""
        if isinstance(cause, InvalidStatus):
            text = cause.response.headers.get("Retry-After", "")
        elif isinstance(cause, ConnectionClosed) and cause.rcvd is not None:
            found = _RETRY_AFTER.search(cause.rcvd.reason)
            text = found.group(1) if found else ""
        if text.isdigit():
            return float(text)
        cause = cause.__cause__
    return None


def _socket_error(error: BaseException, *, url: str) -> ApiError:
    """Find the reason behind gql's wrapper: a refused key is final, anything else may pass."""
    reasons: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        reasons.append(str(cause) or type(cause).__name__)
        cause = cause.__cause__
    if any(_CLOSED_UNAUTHENTICATED.search(reason) for reason in reasons):
        return UnauthenticatedError("The server did not accept the key")
    return ServerUnavailableError(
        f"The socket to {url} broke: {': '.join(reasons)}",
        retry_after_seconds=retry_after_seconds(error),
    )
