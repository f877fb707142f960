"""Hashes of values: the same for equal ones in every process, another for others."""

import dataclasses
import datetime as dt
import enum
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from headgate.errors import ResultTooLargeError, SerializationError
from headgate.hashing import hash_values


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int
    y: Any = None


class Model(BaseModel):
    """A Pydantic model."""

    x: int


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1
    BLUE = 2


class Plain:
    """What is hashed by its pickle."""

    def __init__(self, x: int) -> None:
        self.x = x


DIFFERENT: list[Any] = [
    None,
    True,
    1,
    -1,
    2**70,
    1.0,
    "1",
    b"1",
    [1],
    (1,),
    {1},
    [[1], 2],
    [[1, 2]],
    {"a": 1},
    {"a": 1, "b": 2},
    {"a": {"b": 1}, "c": 2},
    {"a": {"b": 1, "c": 2}},
    Point(1),
    Point(2),
    Model(x=1),
    Colour.RED,
    Colour.BLUE,
    Plain(1),
    Plain(2),
    Decimal("1.0"),
    Decimal("1.00"),
    dt.date(2026, 1, 1),
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    dt.timedelta(1),
    uuid.UUID(int=1),
    Path("/a"),
    range(3),
]


def test_different_values_have_different_hashes() -> None:
    hashes = [hash_values(value) for value in DIFFERENT]

    assert len(set(hashes)) == len(DIFFERENT)


def test_order_counts_in_lists_only() -> None:
    assert hash_values({"a": 1, "b": {3, 4}}) == hash_values({"b": {4, 3}, "a": 1})
    assert hash_values([1, 2]) != hash_values([2, 1])
    assert hash_values(1, 2) != hash_values((1, 2))


def test_same_object_twice_is_like_two_equal_ones() -> None:
    one = [1]

    assert hash_values([one, one]) == hash_values([[1], [1]])


def listed(value: Any) -> Any:
    return [value, value]


def paired(value: Any) -> Any:
    return (value, value)


def named(value: Any) -> Any:
    return {"a": value, "b": value}


@pytest.mark.parametrize("pair", [listed, paired, named])
def test_what_is_shared_is_hashed_once(pair: Callable[[Any], Any]) -> None:
    shared: Any = "leaf"
    for _ in range(60):
        shared = pair(shared)

    assert hash_values(shared, limit_bytes=10_000) == hash_values(shared)
    assert hash_values(shared) != hash_values(pair(shared))


def test_another_process_makes_the_same_hashes() -> None:
    code = (
        "from headgate.hashing import hash_values\nimport datetime\n"
        "print(hash_values({'x', 'y', 'z'}, {'b': 1.5, 'a': datetime.date(2026, 1, 1)}))"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    own = hash_values({"z", "y", "x"}, {"a": dt.date(2026, 1, 1), "b": 1.5})
    assert made.stdout.strip() == own


def test_circle_has_a_hash() -> None:
    circle: list[Any] = [1]
    circle.append(circle)

    assert hash_values(circle) != hash_values([1])


def test_what_cannot_be_hashed_says_why() -> None:
    with pytest.raises(SerializationError, match=r"_thread\.lock cannot be pickled"):
        hash_values(threading.Lock())
    with pytest.raises(ResultTooLargeError, match="more than 10 bytes"):
        hash_values("x" * 20, limit_bytes=10)
