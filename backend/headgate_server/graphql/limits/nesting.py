"""How deeply documents and values nest, found without going down into them."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

_MARK = re.compile(r'"""|["#{}\[\]()]')
_REST_OF_STRING = re.compile(r'(?:\\.|[^"\\\n])*"')
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")
CACHED = 500


@lru_cache(CACHED)
def nesting_of_document(document: str) -> int:
    """Return how many brackets of a document are open at once, at most.

    Strings and comments hold none. Each character is looked at once, whatever the document says.
    """
    most = depth = at = 0
    while found := _MARK.search(document, at):
        mark, at = found[0], found.end()
        if mark in _OPENING:
            depth += 1
            most = max(most, depth)
        elif mark in _CLOSING:
            depth -= 1
        else:
            at = _end_of(mark, document, at)
    return most


def _end_of(mark: str, document: str, at: int) -> int:
    """Return where a comment or a string ends; one without an end takes the rest."""
    if mark == "#":
        end = document.find("\n", at)
    elif mark == '"':
        rest = _REST_OF_STRING.match(document, at)
        return rest.end() if rest else len(document)
    else:
        end = document.find(mark, at)
        while end > 0 and document[end - 1] == "\\":
            end = document.find(mark, end + 1)
        end += len(mark) if end >= 0 else 0
    return end if end >= 0 else len(document)


def nesting_of_value(value: object) -> int:
    """Return how many lists and objects of a decoded JSON value are inside each other, at most."""
    levels = 0
    level = _nested([value])
    while level:
        levels += 1
        level = _nested(inner for one in level for inner in one)
    return levels


def _nested(values: Iterable[object]) -> list[Iterable[object]]:
    """Return what is in each list and object among some values."""
    found: list[Iterable[object]] = []
    for value in values:
        if isinstance(value, dict):
            found.append(cast("dict[str, object]", value).values())
        elif isinstance(value, list):
            found.append(cast("list[object]", value))
    return found
