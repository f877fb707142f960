"""Pages of a list: keyset cursors and their limits."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import InvalidCursor, InvalidInput

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
MAX_LOG_PAGE_SIZE = 1000
COUNT_CAP = 10_000
MAX_LISTED = 100
"""How many objects a list shows that has no pages; how many more there are is told beside it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted: ``size`` rows after or before a cursor's key.

    ``key`` is the sort values and the id of the row the page starts behind; None is the first page.
    """

    size: int = DEFAULT_PAGE_SIZE
    key: tuple[Any, ...] | None = None
    is_backward: bool = False


@dataclass(frozen=True, slots=True)
class Portion(Generic[T]):
    """Rows in order, each with its size.

    Args:
        rows: what is in it; the first however large it is.
        sizes: of each in bytes, its large columns as texts.
        has_more: there may be rows behind them.
    """

    rows: tuple[T, ...]
    sizes: tuple[int, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page in list order, with what lies beyond it."""

    items: Sequence[T]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, slots=True)
class Beginning(Generic[T]):
    """The first of what belongs to something, in order, and how many more there are."""

    items: tuple[T, ...] = ()
    more: int = 0


def fingerprint(*parts: object) -> str:
    """Return a short hash of a filter and an order, so that a cursor stays with its list."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=6).hexdigest()


def encode_cursor(key: Sequence[Any], *, of: str) -> str:
    """Return the opaque cursor of a row: version, list fingerprint and sort key.

    Args:
        key: msgspec-encodable sort values, the id last.
        of: the list's fingerprint.
    """
    return (
        base64.urlsafe_b64encode(msgspec.msgpack.encode((1, of, tuple(key)))).decode().rstrip("=")
    )


def decode_cursor(cursor: str, *, of: str, types: type[Any]) -> tuple[Any, ...]:
    """Return the sort key in a cursor.

    Args:
        cursor: as a connection returned it.
        of: the fingerprint of the list it is used with.
        types: the key's tuple type, such as ``tuple[datetime, UUID]``.

    Raises:
        InvalidCursor: malformed, or made for another list, filter or order.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        version, made_for, key = msgspec.msgpack.decode(raw, type=tuple[int, str, types])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise InvalidCursor from None
    if version != 1 or made_for != of or not all(map(_is_comparable, key)):
        raise InvalidCursor
    return key


def _is_comparable(value: object) -> bool:
    """Whether the database can compare a value with its own: within 64 bits, or an instant."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, datetime):
        try:
            return value.tzinfo is not None and bool(value.astimezone(UTC))
        except OverflowError:
            return False
    return not isinstance(value, str) or is_storable(value)


def page_size(
    first: int | None, last: int | None, *, maximum: int = MAX_PAGE_SIZE
) -> tuple[int, bool]:
    """Return the number of rows asked for and whether the page runs backward.

    Raises:
        InvalidInput: both given, or out of range.
    """
    if first is not None and last is not None:
        raise InvalidInput("Give either first or last, not both.", path=["first"])
    size = first if first is not None else last
    if size is None:
        return DEFAULT_PAGE_SIZE, False
    if not 1 <= size <= maximum:
        name = "first" if first is not None else "last"
        raise InvalidInput(f"{name} is from 1 to {maximum}.", path=[name])
    return size, last is not None
