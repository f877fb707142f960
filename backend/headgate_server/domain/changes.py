"""Changes of configurable objects: what differs, and whether it was read before it was written."""

from typing import Any

from msgspec import UNSET

from headgate_server.domain.errors import VersionConflict


def changed(current: object, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return those of the wanted values that are set and differ from an object's fields."""
    return {
        name: value
        for name, value in wanted.items()
        if value is not UNSET and getattr(current, name) != value
    }


def given(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return those of the wanted values that are set."""
    return {name: value for name, value in wanted.items() if value is not UNSET}


def check_version(current: int, *, expected: int | None) -> None:
    """Refuse a change that was made against another version than the current one.

    Raises:
        VersionConflict: someone else changed the object meanwhile.
    """
    if expected is not None and expected != current:
        raise VersionConflict(current_version=current)
