"""What a request is answered that comes to nothing: a GraphQL error, and the status beside it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from starlette.responses import Response

from headgate_server.domain.errors import HeadgateError
from headgate_server.graphql.masking import INTERNAL_MESSAGE, RETRYABLE_STATUS, classify, log
from headgate_server.http.attempts import TooManyAttempts

_STATUS: Mapping[str, int] = {
    "UNAUTHENTICATED": 401,
    "OLD_GENERATION": 401,
    "FORBIDDEN": 403,
    "ADDRESS_NOT_ALLOWED": 403,
    "SUSPENDED": 503,
    **RETRYABLE_STATUS,
}
_CODES = {400: "BAD_REQUEST", 405: "METHOD_NOT_ALLOWED", 413: "LIMIT_EXCEEDED", 415: "BAD_REQUEST"}
RETRY_AFTER_SECONDS = 1
NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})


def failure(error: Exception, *, request_id: str) -> Response:
    """Answer an exception from outside any operation."""
    shown = classify(error)
    status = _STATUS.get(shown.code, 500)
    if isinstance(error, TooManyAttempts):
        wait = error.retry_after_seconds
        return refuse(status, shown.message, code=shown.code, retry_after_seconds=wait)
    if not shown.is_ours:
        return refuse(status, shown.message, code=shown.code)
    error_id = log(error, code=shown.code, where="a request", beside={"request_id": request_id})
    message = shown.message if isinstance(error, HeadgateError) else INTERNAL_MESSAGE
    return refuse(status, message, code=shown.code, error_id=error_id)


def refuse(
    status: int,
    message: str,
    *,
    code: str | None = None,
    error_id: str | None = None,
    retry_after_seconds: int = RETRY_AFTER_SECONDS,
    extensions: Mapping[str, Any] = NOTHING_MORE,
) -> Response:
    """Return the answer of one error."""
    told = {"code": code or _CODES.get(status, "BAD_REQUEST"), **extensions}
    if error_id is not None:
        told["errorId"] = error_id
    response = Response(
        orjson.dumps({"errors": [{"message": message, "extensions": told}]}),
        status_code=status,
        media_type="application/json",
    )
    if status == 401:
        response.headers["www-authenticate"] = "Bearer"
    elif status == 405:
        response.headers["allow"] = "POST"
    elif status in RETRYABLE_STATUS.values():
        response.headers["retry-after"] = str(retry_after_seconds)
    return response
