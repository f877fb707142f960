"""What the stores share: a reference read as its kind, and a library that may not be installed."""

import importlib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from headgate.errors import InvalidSecretReferenceError, MissingExtraError

T = TypeVar("T")


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


def library(name: str, *, extra: str) -> Any:
    """Import a library that comes with an extra.

    Raises:
        MissingExtraError: it is not installed where this runs.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f'{name} is not installed here; run: pip install "headgate[{extra}]"'
        raise MissingExtraError(message) from error
