"""Templates in parameters and job variables: ``{{ variables.name }}``, ``{{ blocks.type.name }}``.

What is a template as a whole becomes the value, of whatever type; in a longer text the value is
written out. Variables are filled in by the server as a run is claimed, blocks by the run itself:
a secret never enters a job. Whoever fills in blocks reads the text that came of the variables: so
no value may be a part of a block's name, and a text where one would is not filled in.

In a work pool's template ``{{ name }}`` is a placeholder of a job variable, put in before that.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import orjson

from headgate_server.domain.documents import texts_of
from headgate_server.domain.names import KEY

VARIABLE = re.compile(rf"\{{\{{\s*variables\.({KEY.pattern})\s*\}}\}}")
BLOCK = re.compile(r"\{\{\s*blocks\.[^{}\s]+\s*\}\}")
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")
MAX_NAMES = 500
"""How many variables one job may name; those beyond count as missing."""
MAX_WRITTEN_LENGTH = 1024 * 1024
"""How many characters values may come to in one job, counted wherever they are named: few templates
name a great value very often."""


def is_template(value: object) -> bool:
    """Whether a value is a text that holds a template: what it stands for is not known yet."""
    return isinstance(value, str) and bool(VARIABLE.search(value) or BLOCK.search(value))


def names_blocks(document: object) -> bool:
    """Whether a block is named anywhere in a JSON document."""
    return any(BLOCK.search(text) for text in texts_of(document))


def list_variables(document: object) -> list[str]:
    """Return the names of the variables that a JSON document names, sorted."""
    found = {match[1] for text in texts_of(document) for match in VARIABLE.finditer(text)}
    return sorted(found)


def fill(document: Any, values: Mapping[str, Any]) -> Any:
    """Return a JSON document with the values of variables in it; templates of others stay.

    So does a text that would name other blocks with the values than without them.
    """
    return _mapped(document, lambda text: text if _composes(text, values) else _fill(text, values))


def written_length(document: Any, values: Mapping[str, Any]) -> int:
    """Return how many characters the values come to in a JSON document, without filling it in."""
    lengths = {name: len(_written(value)) for name, value in values.items()}
    return sum(
        lengths.get(match[1], 0) for text in texts_of(document) for match in VARIABLE.finditer(text)
    )


def list_composing(document: Any, values: Mapping[str, Any]) -> list[str]:
    """Return the variables, sorted, whose values would name blocks that the document does not."""
    found = {
        match[1]
        for text in texts_of(document)
        if _composes(text, values)
        for match in VARIABLE.finditer(text)
    }
    return sorted(found)


def is_placeholder(text: str) -> bool:
    """Whether a text as a whole is the placeholder of a job variable."""
    return PLACEHOLDER.fullmatch(text) is not None


def list_placeholders(document: object) -> list[str]:
    """Return the names of the job variables that a JSON document has placeholders of.

    Each is there as often as the document has it.
    """
    return [match[1] for text in texts_of(document) for match in PLACEHOLDER.finditer(text)]


def placed_length(named: Sequence[str], values: Mapping[str, Any]) -> int:
    """Return how many characters the values of placeholders come to, without placing them."""
    lengths = {name: len(_written(values[name])) for name in set(named) if name in values}
    return sum(lengths.get(name, 0) for name in named)


def place(document: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with the values of placeholders in their places.

    An entry or item that is a whole placeholder without a value is left out; within a longer text
    nothing stands in its place. A text where the values would name a block that neither it nor one
    of them names stays as it is.
    """
    return cast("dict[str, Any]", _placed(document, values))


def _placed(document: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(document, str):
        return _place(document, values)
    if isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        return {
            name: _placed(value, values)
            for name, value in entries.items()
            if not _is_missing(value, values)
        }
    if isinstance(document, list):
        items = cast("list[Any]", document)
        return [_placed(item, values) for item in items if not _is_missing(item, values)]
    return document


def _is_missing(value: object, values: Mapping[str, Any]) -> bool:
    whole = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    return whole is not None and values.get(whole[1]) is None


def _place(text: str, values: Mapping[str, Any]) -> Any:
    whole = PLACEHOLDER.fullmatch(text)
    if whole is not None:
        return values[whole[1]]
    written = {
        name: "" if values.get(name) is None else _written(values[name])
        for name in PLACEHOLDER.findall(text)
    }
    placed = PLACEHOLDER.sub(lambda match: written[match[1]], text)
    parts = [written[part] if nth % 2 else part for nth, part in enumerate(PLACEHOLDER.split(text))]
    named = [name for part in parts for name in BLOCK.findall(part)]
    return placed if BLOCK.findall(placed) == named else text


def _composes(text: str, values: Mapping[str, Any]) -> bool:
    named = [name for filled in texts_of(_fill(text, values)) for name in BLOCK.findall(filled)]
    return named != BLOCK.findall(text)


def _fill(text: str, values: Mapping[str, Any]) -> Any:
    whole = VARIABLE.fullmatch(text)
    if whole is not None:
        return values.get(whole[1], text)
    return VARIABLE.sub(
        lambda match: _written(values[match[1]]) if match[1] in values else match[0], text
    )


def _written(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _mapped(document: Any, change: Callable[[str], Any]) -> Any:
    if isinstance(document, str):
        return change(document)
    if isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        return {name: _mapped(value, change) for name, value in entries.items()}
    if isinstance(document, list):
        return [_mapped(value, change) for value in cast("list[Any]", document)]
    return document
