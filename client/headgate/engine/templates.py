"""``{{ blocks.type.name }}`` in parameters and job variables: filled in by the run, or its agent.

The server fills in variables as a run is claimed, and knows no secret while it does: so blocks are
left to whoever holds the run's token.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

from headgate.api.blocks import ResolvedBlock, at_path
from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport
from headgate.errors import BlockError
from headgate.secret_references.resolving import resolve

_BLOCK = re.compile(r"\{\{\s*blocks\.([a-z0-9-]+)\.([a-z0-9_-]+)((?:\.[^{}\s.]+)*)\s*\}\}")
_NAMED = re.compile(r"\{\{\s*blocks\.[^{}\s]+\s*\}\}")
"""What says that it names a block, as the server reads it; only a ``_BLOCK`` can be one."""
_TEMPLATE = re.compile(r"\{\{\s*(?:blocks|variables)\.[^{}\s]+\s*\}\}")
_VALUE = "value"


def holds_templates(document: Any) -> bool:
    """Whether anything in a JSON document is filled in as a run starts: it is checked then."""
    found: list[str] = []

    def note(text: str) -> str:
        found.extend(match[0] for match in _TEMPLATE.finditer(text))
        return text

    _mapped(document, note)
    return bool(found)


def names_blocks(document: Any) -> bool:
    """Whether a JSON document names a block anywhere, or says that it does."""
    found: list[str] = []

    def note(text: str) -> str:
        found.extend(match[0] for match in _NAMED.finditer(text))
        return text

    _mapped(document, note)
    return bool(found)


async def fill_blocks(document: Any, *, transport: Transport, lease: LeaseInput) -> Any:
    """Return a JSON document with the blocks that it names filled in.

    What is a template as a whole becomes the value, of whatever type: of a block with the field
    ``value`` that field, of another all its data, or the field that follows its name. In a longer
    text the value is written out.

    Raises:
        NotFoundError: no such block, or the run may not use it.
        BlockError: a template that can name no block, or one of a field that a block does not
            have; or a secret that lies in another store cannot be had from here.
    """
    wanted: set[str] = set()

    def note(text: str) -> str:
        for match in _NAMED.finditer(text):
            wanted.add(_reference_in(match[0]))
        return text

    _mapped(document, note)
    if not wanted:
        return document
    found = await resolve(transport, lease=lease, references=sorted(wanted))

    def filled(text: str) -> Any:
        whole = _BLOCK.fullmatch(text)
        if whole is not None:
            return _value(found, whole)
        return _BLOCK.sub(lambda match: _written(_value(found, match)), text)

    return _mapped(document, filled)


def _reference_in(template: str) -> str:
    match = _BLOCK.fullmatch(template)
    if match is None:
        message = (
            f"{template} names no block: write {{{{ blocks.TYPE.NAME }}}} with the slug of its "
            "type and its name, as `headgate blocks list` shows them"
        )
        raise BlockError(message)
    return f"{match[1]}/{match[2]}"


def changed_values(before: Any, after: Any) -> list[Any]:
    """Return the values of a document in which a block was filled in, to be masked."""
    if isinstance(before, str):
        return [] if before == after else [after]
    if isinstance(before, dict):
        entries = cast("dict[str, Any]", before)
        return [v for name, inner in entries.items() for v in changed_values(inner, after[name])]
    if isinstance(before, list):
        pairs = zip(cast("list[Any]", before), after, strict=True)
        return [value for inner, other in pairs for value in changed_values(inner, other)]
    return []


def _value(found: Mapping[str, ResolvedBlock], match: re.Match[str]) -> Any:
    reference = f"{match[1]}/{match[2]}"
    value: Any = found[reference].data
    if not match[3]:
        return value.get(_VALUE, value)
    for name in match[3][1:].split("."):
        within, value = value, at_path(value, name)
        if value is None and name not in _names_in(within):
            known = ", ".join(_names_in(within)) or "none"
            message = f"{match[0]}: {reference} has no field {name} there; it has: {known}"
            raise BlockError(message)
    return value


def _names_in(value: Any) -> list[str]:
    """Return the fields that a template may name next."""
    if isinstance(value, list):
        return [str(index) for index in range(len(cast("list[Any]", value)))]
    return sorted(cast("dict[str, Any]", value)) if isinstance(value, dict) else []


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
