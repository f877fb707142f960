"""Walks through blocks as large as they may be: what they cost does not multiply."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from headgate_server.domain.blocks import documents, marks, paths, schemas
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget

MOST_SECONDS = 3.0
"""Of the processor, on a slow machine: each of these took minutes where one step led to all."""
SECRET = {"writeOnly": True}
MANY = 50_000


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def seconds_of(work: Callable[[], Any]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


FORKS: dict[str, Any] = {
    "that say nothing": [True] * 5_000,
    "that anything fits": [{} for _ in range(5_000)],
    "of the same entries": [{"items": {"type": "string"}} for _ in range(5_000)],
    "that require much": [{"$ref": "#/$defs/Much"} for _ in range(5_000)],
    "of all together": [{"allOf": [True] * 100} for _ in range(500)],
}


@pytest.mark.parametrize("case", FORKS)
def test_alternatives_do_not_multiply_with_what_a_block_holds(case: str) -> None:
    much = {"required": [f"field {number}" for number in range(5_000)]}
    fields = {**an_object(a={"anyOf": FORKS[case]}, b=an_object()), "required": ["c"]}
    data = {"a": {"deep": [0] * MANY} if "require" in case else [0] * MANY, "b": {}}
    missing: list[str] = []

    took = seconds_of(
        lambda: missing.extend(
            schemas.list_missing(data, fields={**fields, "$defs": {"Much": much}}, unknown=[])
        )
    )

    assert missing == ["c"]
    assert took < MOST_SECONDS


def test_large_block_is_looked_through_to_its_end() -> None:
    entry = {**an_object(), "required": ["name"]}
    data = {"a": [{"name": 1}] * 5_000 + [{}]}

    assert schemas.list_missing(data, fields=an_object(a={"items": entry}), unknown=[]) == [
        "a.5000.name"
    ]


def test_many_secrets_are_taken_out_and_masked_in_one_pass() -> None:
    count = 20_000
    data = {"a": ["s"] * count}
    fields = an_object(a={"items": SECRET})
    found: list[Any] = []

    def take_out() -> None:
        listed = sorted(map(paths.join, marks.find_places(data, fields=fields, named=[])))
        filled = documents.read_filled(data, secrets=[], secret_paths=listed)
        found.extend((filled, documents.masked(data, listed)))

    took = seconds_of(take_out)

    filled, masked = found
    assert len(filled.secrets) == count
    assert filled.data == {"a": [None] * count}
    assert masked == {"a": [paths.MASK] * count}
    assert took < MOST_SECONDS


def test_schema_of_many_fields_that_refers_to_nothing_is_looked_through() -> None:
    marked = {f"secret {number}": SECRET for number in range(3)}
    plain = {f"field {number}": {"type": "string"} for number in range(9_000)}
    fields = an_object(**plain, **marked)

    assert schemas.list_secret_paths(fields, []) == tuple(marked)
    marks.Marks(fields, Budget(schemas.MAX_FIELDS_STEPS)).check()


def test_more_secrets_by_their_paths_than_a_block_has_are_refused() -> None:
    named = [(f"a{number}", None) for number in range(documents.MAX_NAMED + 1)]

    with pytest.raises(InvalidInput, match="at most 200"):
        documents.read_filled({}, secrets=named, secret_paths=["*"])


def test_number_of_thousands_of_digits_is_a_key_like_others() -> None:
    key = "1" * 5_000
    data = {key: "x", "list": [{"9" * 4_400: "x", "token": "s"}]}
    fields = an_object(list={"prefixItems": [an_object(token=SECRET)]})

    found = marks.find_places(data, fields=fields, named=[])
    filled = documents.read_filled(data, secrets=[], secret_paths=[*map(paths.join, found)])

    assert found == [("list", "0", "token")]
    assert filled.data == {key: "x", "list": [{"9" * 4_400: "x"}]}
    assert paths.replaced(["a"], (key,), lambda _: "b") == ["a"]
    assert paths.is_entry_gone((key,), before=["a"], after=["a"])
    with pytest.raises(InvalidInput, match="not a JSON Schema"):
        schemas.check_fields({**an_object(b={"$ref": f"#/allOf/{key}"}), "allOf": [True]})


@pytest.mark.parametrize(
    ("part", "place"), [("0", 0), ("9", 9), ("10", None), ("09", None), ("", None), ("²", None)]
)
def test_place_of_a_list(part: str, place: int | None) -> None:
    assert paths.place_of(part, size=10) == place
