"""What the stores share: a reference read as its kind."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from headgate.errors import InvalidSecretReferenceError

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
