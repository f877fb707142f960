"""What the stores share: a reference read as its kind, and libraries that keep to themselves."""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import msgspec

from headgate.errors import InvalidSecretReferenceError, SecretRefusedError
from headgate.settings import Settings

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


def check_allowed(provider: str, name: str, settings: Settings) -> None:
    """Go on only if whoever operates this agent lets blocks read a secret of a store.

    Args:
        name: the secret as its store calls it, with all that tells it apart.

    Raises:
        SecretRefusedError: they do not; the message says how they would.
    """
    wanted = f"{provider}:{name}"
    if not any(fnmatchcase(wanted, pattern) for pattern in settings.secret_paths):
        message = (
            f"blocks may not read the secret {name} of {provider} here; whoever operates this "
            f"agent allows it with HEADGATE_SECRET_PATHS={wanted}"
        )
        raise SecretRefusedError(message)


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
