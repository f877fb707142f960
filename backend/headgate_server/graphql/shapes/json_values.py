"""JSON values that have to be objects or lists."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from headgate_server.domain.errors import InvalidInput
from headgate_server.graphql.scalars import JSON


def as_json(value: Mapping[str, Any] | Sequence[Any] | None) -> JSON | None:
    """Return an optional object or list as JSON."""
    return None if value is None else JSON(value)


def an_object(value: JSON | None, name: str) -> dict[str, Any] | None:
    """Return a JSON value that is an object or null.

    Raises:
        InvalidInput: any other value.
    """
    if not isinstance(value, dict | None):
        raise InvalidInput(f"{name} is a JSON object.", path=[name])
    return cast("dict[str, Any] | None", value)


def a_list(value: JSON | None, name: str) -> list[Any] | None:
    """Return a JSON value that is a list or null.

    Raises:
        InvalidInput: any other value.
    """
    if not isinstance(value, list | None):
        raise InvalidInput(f"{name} is a JSON array.", path=[name])
    return cast("list[Any] | None", value)
