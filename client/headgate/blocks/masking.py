"""Masks what blocks hold of secrets in whatever this process says."""

from typing import Any, cast

from pydantic import BaseModel

from headgate.blocks import external, values
from headgate.redaction import redactor


def mask_secrets(block: BaseModel) -> None:
    """Mask the secrets of a block in whatever this process says from now on."""
    for _, value in block:
        if isinstance(value, BaseModel):
            mask_secrets(value)
        elif values.holds_secrets(value):
            redactor.add(_secrets_in(values.Exposure().value(value)))


def _secrets_in(document: Any) -> Any:
    """Return a document of secrets without those that are only named: names are no secrets."""
    if isinstance(document, dict):
        entries = cast("dict[str, Any]", document)
        if entries.keys() == {external.KEY}:
            return None
        return {name: _secrets_in(inner) for name, inner in entries.items()}
    if isinstance(document, list):
        return list(map(_secrets_in, cast("list[Any]", document)))
    return document
