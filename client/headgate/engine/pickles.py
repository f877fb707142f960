"""Calls and their outcomes as they travel between processes, with the secrets that are in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headgate.errors import RunError
from headgate.redaction import redactor
from headgate.texts import error_text


class RemoteTaskError(RunError):
    """The call could not be sent to another process, or its outcome not be sent back."""


@dataclass(frozen=True, slots=True)
class _Guarded:
    """A value, and the secrets in it, which whoever reads it is to mask."""

    value: bytes
    secrets: list[str]


def guarded(value: Any, *, what: str) -> bytes:
    """Return a value for another process, with the secrets in it; others stay here.

    Raises:
        RemoteTaskError: it cannot be pickled.
    """
    payload = dumped(value, what=what)
    secrets = redactor.found_in(payload)
    return dumped(_Guarded(payload, secrets), what=what) if secrets else payload


def read_guarded(payload: bytes, *, mask: Callable[[list[str]], None]) -> Any:
    """Return what was sent here, once the secrets in it are masked."""
    found = loaded(payload)
    if not isinstance(found, _Guarded):
        return found
    mask(found.secrets)
    return loaded(found.value)


def dumped(value: Any, *, what: str) -> bytes:
    """Return a value as it travels.

    Raises:
        RemoteTaskError: it cannot be pickled.
    """
    import cloudpickle  # noqa: PLC0415 - named lazy-import place: only where calls travel

    try:
        return cloudpickle.dumps(value)  # pyright: ignore[reportUnknownMemberType]
    except Exception as error:
        message = f"{what} cannot be sent to another process: {error_text(error)}"
        raise RemoteTaskError(message) from error


def loaded(payload: bytes) -> Any:
    """Return the value that has travelled."""
    import cloudpickle  # noqa: PLC0415 - named lazy-import place: only where calls travel

    return cloudpickle.loads(payload)
