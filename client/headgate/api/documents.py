"""Reads the operations in ``operations/<noun>.graphql``, one document per operation, once."""

import re
from functools import cache
from importlib import resources

_DEFINITION = re.compile(r"^(query|mutation|subscription|fragment)\s+(\w+)", re.MULTILINE)
_SPREAD = re.compile(r"\.\.\.\s*(?!on\b)(\w+)")


@cache
def document(noun: str, operation: str) -> str:
    """Return one operation with the fragments it needs, and nothing else.

    Raises:
        KeyError: the noun has no such operation.
    """
    definitions = {**_definitions("fragments"), **_definitions(noun)}
    needed = [operation]
    for name in needed:
        needed += [spread for spread in _SPREAD.findall(definitions[name]) if spread not in needed]
    return "\n".join(definitions[name] for name in dict.fromkeys(needed))


def operation_names(noun: str) -> list[str]:
    """Return the names of a noun's queries, mutations and subscriptions, in file order."""
    return [name for name, text in _definitions(noun).items() if not text.startswith("fragment")]


def nouns() -> list[str]:
    """Return every noun that has operations, sorted."""
    folder = resources.files("headgate.api").joinpath("operations")
    names = (entry.name.removesuffix(".graphql") for entry in folder.iterdir())
    return sorted(name for name in names if name != "fragments")


@cache
def _definitions(noun: str) -> dict[str, str]:
    path = resources.files("headgate.api").joinpath("operations").joinpath(f"{noun}.graphql")
    text = path.read_text(encoding="utf-8")
    starts = list(_DEFINITION.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {
        match.group(2): text[match.start() : end].strip()
        for match, end in zip(starts, ends, strict=True)
    }
