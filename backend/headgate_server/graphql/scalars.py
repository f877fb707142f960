"""The scalars of the API: how times, durations, JSON, cursors and names look on the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, NewType, cast

import msgspec
import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from headgate_server.domain import names

JSON = NewType("JSON", object)
Cursor = NewType("Cursor", str)
Key = NewType("Key", str)
BigInt = NewType("BigInt", int)

MAX_CURSOR_LENGTH = 512


def show_datetime(value: datetime) -> str:
    """Return a time as RFC 3339 in UTC with microseconds, such as 2026-11-23T02:00:00.000000Z."""
    # Half the time of strftime; pages show hundreds of them.
    return value.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_datetime(value: object) -> datetime:
    """Return the aware UTC time that an RFC 3339 string names.

    Raises:
        GraphQLError: not such a string, or one without an offset.
    """
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
            if parsed.tzinfo is not None:
                return _within_the_calendar(parsed.astimezone(UTC))
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(
        "A DateTime is an RFC 3339 string with an offset, such as 2026-11-23T02:00:00.000000Z."
    )


def _within_the_calendar(at: datetime) -> datetime:
    """Keep a day's distance from the first and the last year, for every zone's sake."""
    if not 1 < at.year < 9999:
        raise ValueError(at)
    return at


def show_duration(value: timedelta) -> str:
    """Return a duration as ISO 8601, such as PT15S or P1D."""
    return cast("str", msgspec.to_builtins(value))


def parse_duration(value: object) -> timedelta:
    """Return the length of time that an ISO 8601 duration names, in days down to seconds.

    Raises:
        GraphQLError: not such a string, or a negative one.
    """
    if isinstance(value, str) and not value.startswith("-"):
        try:
            return msgspec.convert(value, timedelta)
        except msgspec.ValidationError:
            pass
    raise GraphQLError("A Duration is an ISO 8601 string of days down to seconds, such as PT0.5S.")


def parse_cursor(value: object) -> Cursor:
    """Return an opaque cursor; only its length is looked at here.

    Raises:
        GraphQLError: not a string, or an over-long one.
    """
    if isinstance(value, str) and len(value) <= MAX_CURSOR_LENGTH:
        return Cursor(value)
    raise GraphQLError("A Cursor is a string that the API returned; pass it back unchanged.")


def parse_big_int(value: object) -> BigInt:
    """Return a whole number that every JSON reader reads exactly.

    Raises:
        GraphQLError: any other value.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return BigInt(value)
    raise GraphQLError("A BigInt is a whole number from -(2^53 - 1) to 2^53 - 1.")


def parse_key(value: object) -> Key:
    """Return a name of 1 to 100 characters that is safe in a URL and on a command line.

    Raises:
        GraphQLError: any other value.
    """
    if isinstance(value, str) and names.KEY.fullmatch(value):
        return Key(value)
    raise GraphQLError(f"A Key {names.KEY_RULE}")


def _same(value: object) -> object:
    return value


def read_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
    """Return the JSON value that a document holds.

    Raises:
        GraphQLError: a number beyond what a double holds, which JSON has no form for.
    """
    value = value_from_ast_untyped(node, variables)
    if not _is_within_range(value):
        raise GraphQLError(
            "A number in this JSON value is beyond a double, or an integer beyond 64 bits.", node
        )
    return value


def _is_within_range(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    if isinstance(value, dict):
        return all(map(_is_within_range, cast("dict[str, object]", value).values()))
    return not isinstance(value, list) or all(map(_is_within_range, cast("list[object]", value)))


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A point in time, RFC 3339 in UTC with microseconds: "
        "2026-11-23T02:00:00.000000Z. Any offset is accepted on input.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=show_datetime,
        parse_value=parse_datetime,
    ),
    timedelta: strawberry.scalar(
        name="Duration",
        description="A length of time, ISO 8601 in days down to seconds: PT15S, PT0.5S, P1D.",
        serialize=show_duration,
        parse_value=parse_duration,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_same,
        parse_value=_same,
        parse_literal=read_json_literal,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A place in a list or stream; opaque, to be passed back unchanged.",
        serialize=str,
        parse_value=parse_cursor,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number beyond 32 bits, as a JSON number: up to 2^53 - 1 either way.",
        serialize=_same,
        parse_value=parse_big_int,
    ),
    Key: strawberry.scalar(
        name="Key",
        description="A name of 1 to 100 lower-case letters, digits, dots, hyphens and underscores "
        "that starts and ends with a letter or digit.",
        serialize=str,
        parse_value=parse_key,
    ),
}
"""What StrawberryConfig maps Python types to."""
