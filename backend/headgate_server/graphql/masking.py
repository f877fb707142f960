"""What callers see of an error that is not data: a stable code, and an id that the log has."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from graphql import GraphQLError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from headgate_server.domain.errors import HeadgateError
from headgate_server.graphql.coercions import EnumValues, without_values

logger = logging.getLogger("headgate.graphql")

INTERNAL_MESSAGE = "Something went wrong on our side; quote the error id when you report it."
TIMEOUT_MESSAGE = "The operation took too long and was stopped; ask for less, or try again."
UNAVAILABLE_MESSAGE = "The database cannot be reached right now; try again in a moment."
TOO_DEEP_MESSAGE = "The document is nested too deeply to be read."

RETRYABLE_STATUS: Mapping[str, int] = {"RATE_LIMITED": 429, "UNAVAILABLE": 503, "TIMEOUT": 504}
"""Codes that invite the caller to send the same operation again, with their HTTP status."""

_PASSING = frozenset({"UNAVAILABLE", "TIMEOUT"})
MAX_CAUSE_LENGTH = 300

_RETRYABLE_SQLSTATES = ("40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300")
"""Serialization failure, deadlock, lock timeout, shutdown and crash, too many connections."""
_TIMEOUT_SQLSTATE = "57014"
_DOCUMENT_ERRORS = (CannotGetOperationTypeError, InvalidOperationTypeError)
"""What Strawberry raises for a document that does not hold the operation that was asked for."""


class Shown(NamedTuple):
    """How an error is shown: its code and message; ``is_ours`` ones are logged with an id."""

    code: str
    message: str
    is_ours: bool


def mask(
    error: GraphQLError, *, context: object = None, enums: EnumValues | None = None
) -> GraphQLError:
    """Return an error fit to be shown, and log the original of one that is our fault.

    The caller's own mistakes keep their words, but for what was sent. Everything else loses them:
    what remains is a code, a message written for callers, and ``errorId`` to find the original in
    the log.

    Args:
        context: of the operation.
        enums: what the schema's enums allow, to tell who sent something else.
    """
    if "code" in (error.extensions or {}):
        return error
    original = _original(error)
    if original is None or isinstance(original, _DOCUMENT_ERRORS):
        return GraphQLError(
            without_values(error.message, enums=enums or {}),
            nodes=error.nodes,
            source=error.source,
            positions=error.positions,
            path=error.path,
            extensions={"code": "BAD_REQUEST"},
        )
    shown = classify(original)
    extensions: dict[str, Any] = {"code": shown.code}
    if isinstance(original, HeadgateError):
        extensions |= _details(original)
    if shown.is_ours:
        extensions["errorId"] = _log(error, original, context=context, code=shown.code)
    return GraphQLError(
        shown.message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


def classify(error: BaseException) -> Shown:
    """Return what callers may learn about an exception."""
    if isinstance(error, HeadgateError) and error.code != HeadgateError.code:
        return Shown(error.code, error.message, is_ours=error.is_retryable)
    if isinstance(error, RecursionError):
        return Shown("LIMIT_EXCEEDED", TOO_DEEP_MESSAGE, is_ours=False)
    sqlstate = _sqlstate(error)
    if isinstance(error, TimeoutError) or sqlstate == _TIMEOUT_SQLSTATE:
        return Shown("TIMEOUT", TIMEOUT_MESSAGE, is_ours=True)
    if isinstance(error, ConnectionError) or sqlstate.startswith(("08", *_RETRYABLE_SQLSTATES)):
        return Shown("UNAVAILABLE", UNAVAILABLE_MESSAGE, is_ours=True)
    return Shown("INTERNAL", INTERNAL_MESSAGE, is_ours=True)


def _original(error: GraphQLError) -> BaseException | None:
    """Return the exception a resolver raised; None for an error in the caller's document."""
    original: BaseException | None = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    return original


def _sqlstate(error: BaseException) -> str:
    """Return the database's code of an error, wherever the driver and its wrapper keep it."""
    cause: BaseException | None = error
    for _ in range(4):
        if cause is None:
            break
        state = getattr(cause, "sqlstate", None)
        if isinstance(state, str):
            return state
        cause = getattr(cause, "orig", None) or cause.__cause__
    return ""


def _details(error: HeadgateError) -> dict[str, Any]:
    missing = getattr(error, "missing_scopes", None)
    found: dict[str, Any] = {}
    if missing:
        found["missingScopes"] = [str(scope) for scope in missing]
    if error.path:
        found["inputPath"] = list(error.path)
    return found


def _log(error: GraphQLError, original: BaseException, *, context: object, code: str) -> str:
    return log(
        original,
        code=code,
        where="a GraphQL operation",
        beside={
            "request_id": getattr(context, "request_id", None),
            "graphql_path": ".".join(map(str, error.path or ())),
        },
    )


def log(error: BaseException, *, code: str, where: str, beside: Mapping[str, object]) -> str:
    """Log an error that is our fault and return the id it is found by.

    What overload and outages bring by the thousand is one line with its cause: a traceback costs
    more than the call that failed, and each is the same.
    """
    error_id = uuid4().hex
    extra = {"error_id": error_id, **beside}
    if code in _PASSING:
        logger.error("%s in %s: %s", code, where, _cause_of(error), extra=extra)
    else:
        logger.error("%s in %s", code, where, exc_info=error, extra=extra)
    return error_id


def _cause_of(error: BaseException) -> str:
    """Return what an error goes back to, on one line."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    first, _, _ = str(cause).partition("\n")
    return f"{type(cause).__name__}: {first[:MAX_CAUSE_LENGTH]}"
