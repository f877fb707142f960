"""What a request must be before anything is made of it."""

from collections.abc import Mapping
from typing import Any

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.types import Message, Receive

from headgate_server.graphql.limits import rules
from headgate_server.http.auth import check_origin


class Refused(HTTPException):
    """A request that a rule of the API refuses; the answer carries what the rule says."""

    def __init__(self, status_code: int, refusal: GraphQLError) -> None:
        super().__init__(status_code, refusal.message)
        self.extensions = refusal.extensions or {}


def extensions_of(error: HTTPException) -> Mapping[str, Any]:
    """Return what the answer to a refused request carries beside its message."""
    return error.extensions if isinstance(error, Refused) else {}


def check_values(variables: object) -> None:
    """Refuse variables that cannot be handed on.

    Raises:
        Refused: they are nested too deeply, or hold an integer beyond 64 bits.
    """
    refusal = rules.check_values(variables)
    if refusal is not None:
        raise Refused(400, refusal)


def too_large(*, limit: int) -> Refused:
    """Return the refusal of a body that is larger than its limit."""
    what = f"The body is larger than the limit of {limit:,} bytes; send less at once."
    return Refused(413, rules.refuse("body", what=what, limit=limit))


def check_request(request: Request, *, allowed_origins: frozenset[str]) -> None:
    """Refuse what is no request of the API.

    Raises:
        HTTPException: it is no POST of JSON.
        Forbidden: a page of another site sent it.
    """
    if request.method != "POST":
        raise HTTPException(405, "The API takes POST requests only.")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise HTTPException(415, "Send the request as application/json.")
    check_origin(request.headers, allowed_origins=allowed_origins)


def bounded(receive: Receive) -> Receive:
    """Return a receive that stops reading a body once no operation may be that large."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > rules.MAX_REPORT_BODY_BYTES:
            raise too_large(limit=rules.MAX_REPORT_BODY_BYTES)
        return message

    return counted
