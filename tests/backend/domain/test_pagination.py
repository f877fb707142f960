"""Cursors that somebody made up are refused before the database sees them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from headgate_server.domain.errors import InvalidCursor
from headgate_server.domain.pagination import decode_cursor, encode_cursor


@pytest.mark.parametrize(
    ("key", "types"),
    [
        ((2**63,), tuple[int]),
        ((-(2**63) - 1 + 1, 2**64 - 1), tuple[int, int]),
        (("9999-12-31T23:59:00-23:59",), tuple[datetime]),
        ((datetime(2026, 1, 1),), tuple[datetime]),  # noqa: DTZ001 - what is refused
        (("nul\0",), tuple[str]),
    ],
)
def test_values_that_the_database_cannot_compare_are_refused(
    key: tuple[Any, ...], types: type[Any]
) -> None:
    cursor = encode_cursor(key, of="list")

    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, of="list", types=types)


def test_cursor_of_the_list_is_its_key() -> None:
    key = (datetime(2026, 1, 1, tzinfo=UTC), 2**63 - 1, "name")

    cursor = encode_cursor(key, of="list")

    assert decode_cursor(cursor, of="list", types=tuple[datetime, int, str]) == key
