"""Names of Prefect's that are not here, and what to use instead: for errors, and for the page.

``elsewhere.toml`` holds them. A name that is asked for raises an ImportError that says so, and so
does a module that none stands for.
"""

import importlib
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FILE = Path(__file__).with_suffix(".toml")
_OWN = "headgate."


class Entry(NamedTuple):
    """What stands for some names of a module.

    Args:
        module: as Prefect names it, as ``prefect.futures``.
        names: those that are elsewhere; empty where the whole module is.
        instead: what to use.
    """

    module: str
    names: tuple[str, ...]
    instead: str


@cache
def entries() -> tuple[Entry, ...]:
    """Return all that is elsewhere, by module."""
    found = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    read = (
        Entry(module, tuple(one.get("names", ())), one["instead"])
        for module, each in found.items()
        for one in each
    )
    return tuple(sorted(read, key=lambda entry: entry.module))


def instead_of(module: str, name: str | None = None) -> str | None:
    """Return what to use instead of a name, or of a whole module; None where it is here.

    Args:
        module: as Prefect names it; what is said of a package holds for what is below.
    """
    for entry in entries():
        if not entry.names and f"{module}.".startswith(f"{entry.module}."):
            return entry.instead
        if name is not None and entry.module == module and name in entry.names:
            return entry.instead
    return None


def lookup(module: str, places: Mapping[str, str] | None = None) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: for names of upper floors, and for those elsewhere.

    Args:
        module: its own name.
        places: the module that each further name of it is in, imported on first use.
    """
    moved = places or {}

    def find(name: str) -> Any:
        if name in moved:
            return getattr(importlib.import_module(moved[name]), name)
        instead = None if name.startswith("__") else instead_of(_theirs(module), name)
        if instead is not None:
            message = f"There is no {name!r} in {module}: {instead}"
            # An AttributeError would lose its words on the way to an import statement.
            raise ImportError(message, name=module)
        message = f"module {module!r} has no attribute {name!r}"
        raise AttributeError(message)

    return find


def refuse_module(module: str) -> None:
    """Say what to use instead of a module of Prefect's.

    Raises:
        ModuleNotFoundError: it is one that nothing here stands for.
    """
    instead = instead_of(_theirs(module))
    if instead is not None:
        message = f"There is no {module}: {instead}"
        raise ModuleNotFoundError(message, name=module)


def _theirs(module: str) -> str:
    return "prefect" if module == "headgate" else f"prefect.{module.removeprefix(_OWN)}"
