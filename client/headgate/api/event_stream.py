"""Subscriptions as an event stream over plain HTTP; imported on the first one."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from graphql import ExecutionResult

from headgate.api.wire import read_data
from headgate.errors import BadRequestError, ServerUnavailableError, UnauthenticatedError

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""The server says something every 20 s: a stream that is silent for longer is dead."""
MAX_LINE_BYTES = 4 * 1024 * 1024


async def subscribe(
    url: str, *, token: str | None, text: str, variables: dict[str, Any], operation: str
) -> AsyncGenerator[dict[str, Any]]:
    """Make one request for one subscription and yield the ``data`` of each event.

    Ends when the server completes the subscription.

    Raises:
        ApiError: the stream could not be opened, broke, or the server answered with an error.
    """
    headers = {"Accept": "text/event-stream", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = orjson.dumps({"query": text, "variables": variables, "operationName": operation})
    timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
    try:
        async with (
            ClientSession(timeout=timeout, trust_env=True, read_bufsize=MAX_LINE_BYTES) as session,
            session.post(url, data=body, headers=headers) as response,
        ):
            await _check(response)
            async for result in _results(response):
                yield read_data(result, retry_after_seconds=None)
    except (ClientError, TimeoutError, OSError) as error:
        message = f"The event stream from {url} broke: {error or type(error).__name__}"
        raise ServerUnavailableError(message) from error


async def _check(response: ClientResponse) -> None:
    if response.status == 200 and response.content_type == "text/event-stream":
        return
    if response.status == 401:
        raise UnauthenticatedError("The server did not accept the key")
    if response.status == 200 or response.status >= 500 or response.status == 429:
        message = f"No event stream was to be had: status {response.status}"
        text = response.headers.get("Retry-After", "")
        wish = float(text) if text.isdigit() else None
        raise ServerUnavailableError(message, retry_after_seconds=wish)
    raise BadRequestError(f"The server refused an event stream: status {response.status}")


async def _results(response: ClientResponse) -> AsyncIterator[ExecutionResult]:
    """Yield the results of ``next`` events up to the ``complete`` event.

    Raises:
        ServerUnavailableError: the response ended without one.
    """
    event, data = "", bytearray()
    async for line in response.content:
        if line in {b"\n", b"\r\n"}:
            if event == "complete":
                return
            if event == "next":
                answer: dict[str, Any] = orjson.loads(bytes(data))
                yield ExecutionResult(data=answer.get("data"), errors=answer.get("errors"))
            event = ""
            data.clear()
            continue
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        if field == b"event":
            event = value.strip().decode()
        elif field == b"data":
            data += value.removeprefix(b" ")
    raise ServerUnavailableError(f"The event stream from {response.url} ended early")
