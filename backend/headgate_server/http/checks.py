"""What a request must be before anything is made of it."""

import orjson
from cross_web import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from headgate_server.graphql.limits import rules
from headgate_server.http.auth import check_origin


def check_numbers(variables: object) -> None:
    """Refuse variables that cannot be handed on.

    Raises:
        HTTPException: they are nested too deeply, or hold an integer beyond 64 bits.
    """
    try:
        orjson.dumps(variables)
    except TypeError as error:
        # orjson tells its limits apart by their words only.
        is_deep = "recursion" in str(error).lower()
        what = (
            "variables is nested too deeply; 250 levels are too many."
            if is_deep
            else "An integer in variables is beyond 64 bits; send it as a string."
        )
        raise HTTPException(400, what) from None


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
            raise HTTPException(
                413, f"The body is larger than the limit of {rules.MAX_REPORT_BODY_BYTES:,} bytes."
            )
        return message

    return counted
