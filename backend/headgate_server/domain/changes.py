"""Changes of configurable objects: what differs, and whether it was read before it was written."""

from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from headgate_server.domain.errors import Conflict, VersionConflict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Outcome(Enum):
    """What became of an object that was to be as somebody says."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    AS_BEFORE = "AS_BEFORE"


def changed(current: object, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return those of the wanted values that differ from an object's fields."""
    return {name: value for name, value in wanted.items() if getattr(current, name) != value}


def given(changes: "DataclassInstance") -> dict[str, Any]:
    """Return those of the fields of a set of changes that are set, by name."""
    values = {field.name: getattr(changes, field.name) for field in fields(changes)}
    return {name: value for name, value in values.items() if value is not UNSET}


MUST_BE_NEW = 0
"""The version that is expected of what is to be made, and not there yet."""


def check_absent(found_id: str, *, expected: int | None, field: str = "name") -> None:
    """Refuse to change what was to be made: it is there already.

    Args:
        found_id: of what is there.
        expected: the version that was expected.
        field: of the input that names it.

    Raises:
        Conflict: ``MUST_BE_NEW`` was expected; it names what is there.
    """
    if expected == MUST_BE_NEW:
        raise Conflict("There is one of this name already.", path=[field], existing_id=found_id)


def check_version(current: int, *, expected: int | None) -> None:
    """Refuse a change that was made against another version than the current one.

    Raises:
        VersionConflict: someone else changed the object meanwhile.
    """
    if expected is not None and expected != current:
        raise VersionConflict(current_version=current)
