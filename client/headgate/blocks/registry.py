"""Which class stands for blocks of which type, in this process."""

import importlib
from typing import TYPE_CHECKING

from headgate.errors import UnknownBlockTypeError

if TYPE_CHECKING:
    from headgate.blocks.core import Block

_SYSTEM = "headgate.blocks.system"
BUILT_IN = {"secret": _SYSTEM, "json": _SYSTEM, "string": _SYSTEM, "date-time": _SYSTEM}
"""The modules of types that come with Headgate, by slug: imported when one is first met."""

_classes: "dict[str, type[Block]]" = {}


def add(slug: str, cls: "type[Block]") -> None:
    """Let a class stand for blocks of a type; one that is defined again replaces the former."""
    _classes[slug] = cls


def get(slug: str) -> "type[Block]":
    """Return the class of a type.

    Raises:
        UnknownBlockTypeError: no module that defines it was imported.
    """
    if slug not in _classes and slug in BUILT_IN:
        importlib.import_module(BUILT_IN[slug])
    found = _classes.get(slug)
    if found is None:
        message = f"No class for blocks of the type {slug!r}: import the module that defines it"
        raise UnknownBlockTypeError(message)
    return found
