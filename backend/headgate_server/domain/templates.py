"""Templates in parameters and job variables: ``{{ variables.name }}``, ``{{ blocks.type.name }}``.

What is a template as a whole becomes the value, of whatever type; in a longer text the value is
written out. Variables are filled in by the server as a run is claimed, blocks by the run itself:
a secret never enters a job. Whoever fills in blocks reads the text that came of the variables: so
no value may be a part of a block's name, and a text where one would is not filled in.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

from headgate_server.domain.documents import texts_of
from headgate_server.domain.names import KEY

VARIABLE = re.compile(rf"\{{\{{\s*variables\.({KEY.pattern})\s*\}}\}}")
BLOCK = re.compile(r"\{\{\s*blocks\.[^{}\s]+\s*\}\}")
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
