"""Calls over HTTP through gql; imported on the first call, since gql takes its time."""

import asyncio
import os
import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast

import orjson
from aiohttp import ClientConnectorError, ClientProxyConnectionError
from gql import GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import (
    TransportClosed,
    TransportConnectionFailed,
    TransportProtocolError,
    TransportServerError,
)
from graphql import DocumentNode, ExecutionResult, parse

from headgate import traces
from headgate.errors import (
    ApiError,
    BadRequestError,
    InvalidInputError,
    ServerFaultError,
    ServerUnavailableError,
    TooLargeError,
    UnauthenticatedError,
    fault,
)

_AUTHORITY_HINT = (
    "where a proxy or an authority of your own signs certificates, SSL_CERT_FILE names the file "
    "with the authorities to trust"
)


class Request(GraphQLRequest):
    """A request that sends its document as written instead of printing the tree each time."""

    def __init__(self, text: str, *, variables: dict[str, Any], operation: str | None) -> None:
        super().__init__(_parsed(text), variable_values=variables, operation_name=operation)
        self._text = text

    @property
    def payload(self) -> dict[str, Any]:
        """What is sent."""
        return {
            "query": self._text,
            "operationName": self.operation_name,
            "variables": self.variable_values,
        }


@lru_cache(maxsize=512)
def _parsed(text: str) -> DocumentNode:
    return parse(text, no_location=True)


def _serialize(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        place = (_unsendable(value, path="") or "An argument").removeprefix("variables.")
        message = f"{place} cannot be sent as JSON: {error}; change it and try again"
        raise InvalidInputError(message) from None


def _unsendable(value: Any, *, path: str) -> str | None:
    """Return where in a document the text is that has no UTF-8 form; None where none is."""
    if isinstance(value, str):
        return None if value.isascii() or _is_sendable(value) else path
    parts: Iterable[tuple[object, Any]] = ()
    if isinstance(value, dict):
        parts = cast("dict[object, Any]", value).items()
    elif isinstance(value, list | tuple):
        parts = enumerate(cast("list[Any]", value))
    for name, part in parts:
        shown = ascii(name)[1:-1] if isinstance(name, str) else str(name)
        below = f"{path}.{shown}" if path else shown
        if isinstance(name, str) and not _is_sendable(name):
            return f"The name {below}"
        found = _unsendable(part, path=below)
        if found is not None:
            return found
    return None


def _is_sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class HttpWire:
    """Calls over HTTP: one connection pool for one event loop."""

    def __init__(self, url: str) -> None:
        self._transport = AIOHTTPTransport(
            url=url,
            json_serialize=_serialize,
            json_deserialize=orjson.loads,
            # trust_env: HTTP(S)_PROXY and NO_PROXY hold.
            client_session_args={"trust_env": True},
        )

    async def execute(
        self,
        text: str,
        *,
        token: str | None,
        variables: dict[str, Any],
        operation: str | None,
        timeout_seconds: float,
    ) -> dict[str, Any]:
        """Send one operation and return its ``data``.

        Args:
            timeout_seconds: for the whole exchange, connecting included.

        Raises:
            ApiError: of the kind that the answer, or its absence, calls for.
        """
        if self._transport.session is None:
            await self._transport.connect()
        request = Request(text, variables=variables, operation=operation)
        headers = traces.headers()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            async with asyncio.timeout(timeout_seconds):
                result = await self._transport.execute(request, extra_args={"headers": headers})
        except TimeoutError as error:
            waited = f"{timeout_seconds:.3g} s"
            message = f"The server at {self._transport.url} gave no answer within {waited}"
            raise ServerUnavailableError(message) from error
        except TransportServerError as error:
            raise _status_error(error, retry_after_seconds=self._retry_after()) from error
        except (TransportConnectionFailed, TransportClosed) as error:
            if isinstance(error.__cause__, InvalidInputError):
                # Nothing was sent; gql wraps whatever happens on the way.
                raise error.__cause__ from None
            message = f"The server at {self._transport.url} did not answer: {_reason(error)}"
            raise ServerUnavailableError(message) from error
        except TransportProtocolError as error:
            raise ServerFaultError(str(error)) from error
        return read_data(result, retry_after_seconds=self._retry_after())

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    def _retry_after(self) -> float | None:
        headers = getattr(self._transport, "response_headers", None)
        text = headers.get("Retry-After", "") if headers else ""
        return float(text) if text.isdigit() else None


def _reason(error: BaseException) -> str:
    """Return why no answer came, as the operating system says it where it does."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"{cause}; {_AUTHORITY_HINT}"
        if isinstance(cause, ClientProxyConnectionError):
            return f"the proxy {cause.host}:{cause.port} of HTTPS_PROXY or HTTP_PROXY is away"
        if isinstance(cause, ClientConnectorError):
            number = cause.os_error.errno
            # Name look-ups count in negative numbers of their own.
            return os.strerror(number) if number and number > 0 else str(cause.os_error)
        cause = cause.__cause__
    return str(error)


def read_data(result: ExecutionResult, *, retry_after_seconds: float | None) -> dict[str, Any]:
    """Return an answer's ``data``.

    Raises:
        ApiError: the answer carries an error, or no data.
    """
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
    if status == 413:
        return TooLargeError(str(error))
    return BadRequestError(str(error))
