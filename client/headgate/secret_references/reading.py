"""What the stores share: a reference read as its kind, and libraries that keep to themselves."""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import msgspec

from headgate.errors import InvalidSecretReferenceError

T = TypeVar("T")

_is_reading: ContextVar[bool] = ContextVar("is_reading", default=False)


def as_place(place: Mapping[str, Any], *, kind: type[T]) -> T:
    """Return what a reference says.

    Raises:
        InvalidSecretReferenceError: something is missing, unknown or of another type.
    """
    try:
        return msgspec.convert(dict(place), kind)
    except msgspec.ValidationError as error:
        message = f"the reference to {place.get('provider')} cannot be read: {error}"
        raise InvalidSecretReferenceError(message) from None


class _Unlogged(logging.Filter):
    """Drops what a library would say of an answer with a secret in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG or not _is_reading.get()


_UNLOGGED = _Unlogged()


@contextmanager
def unlogged(*loggers: str) -> Generator[None]:
    """Keep loggers that write down whole answers from doing so for what is read meanwhile.

    A secret is masked once it is known, and they would say it before.
    """
    for name in loggers:
        logging.getLogger(name).addFilter(_UNLOGGED)
    before = _is_reading.set(True)
    try:
        yield
    finally:
        _is_reading.reset(before)
