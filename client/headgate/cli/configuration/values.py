"""Values as files write them: checked, and lengths of time both ways."""

import difflib
import os
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar, cast

from headgate.cli.failures import CommandError, ExitCode
from headgate.deployments.schedules import read_length
from headgate.errors import SettingsError

T = TypeVar("T")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_VARIABLE = re.compile(r"\{\{\s*\$(\w+)\s*\}\}")


def refuse(place: str, what: str, *, hints: Iterable[str] = ()) -> CommandError:
    """Return the error that says what is wrong at a place of a file."""
    return CommandError(f"{place}: {what}", code=ExitCode.USAGE, hints=list(hints))


def mapping(value: Any, *, place: str) -> dict[str, Any]:
    """Return a mapping whose keys are texts; nothing is an empty one.

    Raises:
        CommandError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refuse(place, f"this must be a mapping, not {value!r}")
    return {str(key): inner for key, inner in cast("dict[Any, Any]", value).items()}


def check_keys(values: dict[str, Any], keys: Iterable[str], *, place: str) -> None:
    """Refuse keys that nobody knows.

    Raises:
        CommandError: there is one; it says which was probably meant.
    """
    known = sorted(keys)
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            meant = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            raise refuse(place, f"unknown key {key!r}; {meant}")


def typed(values: dict[str, Any], key: str, kind: type[T], *, place: str) -> T | None:
    """Return a value of this type; None where it is null or not there.

    Raises:
        CommandError: it is something else.
    """
    value = values.get(key)
    # True is an int in Python, and none in a file.
    if value is None or (isinstance(value, kind) and not (kind is int and value is True)):
        return value
    raise refuse(place, f"{key} must be a {kind.__name__}, not {value!r}")


def required(values: dict[str, Any], key: str, *, place: str) -> Any:
    """Return a value that must be said.

    Raises:
        CommandError: it is not.
    """
    if values.get(key) is None:
        raise refuse(place, f"it needs {key}")
    return values[key]


def length(value: Any, *, place: str) -> str:
    """Return a length of time in the one way that :func:`shown_length` writes it.

    Raises:
        CommandError: it is none.
    """
    try:
        return shown_length(read_length(value))
    except SettingsError as error:
        raise refuse(place, str(error)) from error


def shown_length(span: timedelta) -> str:
    """Return a length of time in the largest unit that divides it: 90s, 10m, 1d."""
    seconds = span.total_seconds()
    for size, unit in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def iso_length(text: str) -> str:
    """Return a length of time as the API takes it."""
    seconds = read_length(text).total_seconds()
    return f"PT{seconds:.6f}".rstrip("0").rstrip(".") + "S"


def from_environment(document: Any, *, place: str) -> Any:
    """Return a document with variables of the environment in the place of ``{{ $NAME }}``.

    Raises:
        CommandError: one is not set.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise refuse(place, f"the variable {match[1]} of the environment is not set")
        return found

    if isinstance(document, str):
        return _VARIABLE.sub(value, document)
    if isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        return {name: from_environment(inner, place=place) for name, inner in entries.items()}
    if isinstance(document, list):
        return [from_environment(inner, place=place) for inner in cast("list[Any]", document)]
    return document
