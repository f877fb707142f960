"""Which texts and documents the database can hold."""

from typing import Any

import orjson
import pytest

from headgate_server.domain.documents import check_document, check_documents, is_storable
from headgate_server.domain.errors import InvalidInput


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        {"a": [1, 2.5, None, True, "é😀"]},
        {"path": "C:\\u0000"},
        {"a": "x" * (512 * 1024 - 8)},
    ],
)
def test_json_passes_unchanged(document: Any) -> None:
    assert check_document(document, field="parameters") is document


@pytest.mark.parametrize(
    "document",
    [
        {"a": "\0"},
        {"\0": 1},
        {"a": "\\\0"},
        {"a": "\ud800"},
        {"a": 2**64},
        {"a": object()},
        {1: "a"},
        {"a": "x" * (512 * 1024 - 7)},
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(document: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_document(document, field="parameters")

    assert refused.value.path == ("parameters",)


@pytest.mark.parametrize("documents", [[{}], [{"a": 1}, [], "é"]])
def test_documents_fit_together_as_long_as_their_list_does(documents: list[Any]) -> None:
    size = len(orjson.dumps(documents))

    check_documents(documents, field="sets", most_bytes=size)
    with pytest.raises(InvalidInput) as refused:
        check_documents(documents, field="sets", most_bytes=size - 1)
    assert refused.value.path == ("sets",)


def test_deep_document_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]

    with pytest.raises(InvalidInput):
        check_document(deep, field="parameters")


@pytest.mark.parametrize(("text", "expected"), [("é😀", True), ("", True), ("a\0", False)])
def test_texts_with_a_nul_are_not_storable(text: str, *, expected: bool) -> None:
    assert is_storable(text) is expected
    assert not is_storable("\udfff")
