"""Paths into a document: keys and places of lists, joined by dots."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from headgate_server.domain.errors import InvalidInput

ANY = "*"
MAX_PATH_LENGTH = 500
MAX_DEPTH = 20
MASK = "********"
"""What is shown in the place of a secret; sent back, it leaves the secret alone."""

Parts = tuple[str, ...]

_PART = re.compile(r"(?:[^\\.]|\\.)+", re.DOTALL)


def split(path: str) -> Parts:
    """Return the parts of a path.

    Raises:
        InvalidInput: empty, over-long, too deep, or with an empty part.
    """
    parts = tuple(re.sub(r"\\(.)", r"\1", part) for part in _PART.findall(path))
    if not 1 <= len(parts) <= MAX_DEPTH or join(parts) != path or len(path) > MAX_PATH_LENGTH:
        raise InvalidInput(
            f"A path has 1 to {MAX_DEPTH} parts joined by dots, such as credentials.password, and "
            f"at most {MAX_PATH_LENGTH} characters; a dot or backslash in a part follows a "
            "backslash.",
            path=["path"],
        )
    return parts


def join(parts: Sequence[str]) -> str:
    """Return the path of parts."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in parts)


def is_like(parts: Parts, pattern: Parts) -> bool:
    """Whether a path is one that a pattern stands for."""
    return len(parts) == len(pattern) and all(
        wanted in (ANY, part) for part, wanted in zip(parts, pattern, strict=True)
    )


def is_secret(parts: Parts, patterns: Sequence[Parts]) -> bool:
    """Whether a path is secret, or lies inside of what is."""
    return any(is_like(parts[: len(pattern)], pattern) for pattern in patterns)


def walk(document: Any, pattern: Parts) -> Iterator[tuple[Parts, Any]]:
    """Yield the path and the value of everything in a document that a pattern stands for."""
    if not pattern:
        yield (), document
        return
    for key, value in _matching(document, pattern[0]):
        for parts, found in walk(value, pattern[1:]):
            yield (key, *parts), found


def replaced(document: Any, parts: Parts, change: Callable[[Any], Any]) -> Any:
    """Return a document with another value in a place; the first is left as it is.

    What leads to the place is made of objects where it is missing; a place of a list that the list
    does not have is left out.
    """
    if not parts:
        return change(document)
    head, rest = parts[0], parts[1:]
    if isinstance(document, list):
        items = list(cast("list[Any]", document))
        place = place_of(head, size=len(items))
        if place is not None:
            items[place] = replaced(items[place], rest, change)
        return items
    entries = dict(cast("dict[str, Any]", document)) if isinstance(document, dict) else {}
    entries[head] = replaced(entries.get(head), rest, change)
    return entries


def replaced_all(document: Any, values: Mapping[Parts, Any]) -> Any:
    """Return a document with other values in many places, in one pass: as ``replaced`` for each.

    What is inside of another of the places is left out.
    """
    if () in values:
        return values[()]
    below = _by_head(values)
    if isinstance(document, list):
        items = list(cast("list[Any]", document))
        for head, inner in below.items():
            place = place_of(head, size=len(items))
            if place is not None:
                items[place] = replaced_all(items[place], inner)
        return items
    entries = dict(cast("dict[str, Any]", document)) if isinstance(document, dict) else {}
    return entries | {head: replaced_all(entries.get(head), inner) for head, inner in below.items()}


def without(document: Any, places: Mapping[Parts, Any]) -> Any:
    """Return a document without the entries of objects in some places; those of lists are null."""
    below = _by_head(places)
    if isinstance(document, list):
        items = list(cast("list[Any]", document))
        for head, inner in below.items():
            place = place_of(head, size=len(items))
            if place is not None:
                items[place] = None if () in inner else without(items[place], inner)
        return items
    if not isinstance(document, dict):
        return document
    return {
        key: without(value, below[key]) if key in below else value
        for key, value in cast("dict[str, Any]", document).items()
        if () not in below.get(key, {})
    }


def is_entry_gone(parts: Parts, *, before: Any, after: Any) -> bool:
    """Whether a place was inside of an entry of a list that the document has no more afterwards."""
    for part in parts:
        if isinstance(before, list):
            entries = cast("list[Any]", before)
            later = cast("list[Any]", after) if isinstance(after, list) else []
            place = place_of(part, size=len(later))
            if place is None:
                return True
            before, after = entries[place] if place < len(entries) else None, later[place]
        elif isinstance(before, dict):
            before = cast("dict[str, Any]", before).get(part)
            after = cast("dict[str, Any]", after).get(part) if isinstance(after, dict) else None
        else:
            return False
    return False


def place_of(part: str, *, size: int) -> int | None:
    """Return which place of a list of some size a part of a path names; None if it has none."""
    is_number = part.isascii() and part.isdigit() and len(part) <= len(str(size))
    place = int(part) if is_number and (part == "0" or part[0] != "0") else size
    return place if place < size else None


def children(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object or a list holds, and under which part of a path; nothing of others."""
    if isinstance(document, dict):
        yield from cast("dict[str, Any]", document).items()
    elif isinstance(document, list):
        for index, value in enumerate(cast("list[Any]", document)):
            yield str(index), value


def _by_head(values: Mapping[Parts, Any]) -> dict[str, dict[Parts, Any]]:
    found: dict[str, dict[Parts, Any]] = {}
    for parts, value in values.items():
        found.setdefault(parts[0], {})[parts[1:]] = value
    return found


def _matching(document: Any, part: str) -> Iterator[tuple[str, Any]]:
    """Yield those of the children that a part of a pattern stands for."""
    if part == ANY:
        yield from children(document)
    elif isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        if part in entries:
            yield part, entries[part]
    elif isinstance(document, list):
        items = cast("list[Any]", document)
        place = place_of(part, size=len(items))
        if place is not None:
            yield part, items[place]
