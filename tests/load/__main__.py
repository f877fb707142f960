"""Measure the product's figures: ``python -m tests.load [FIGURE,…]``, all of them without a name.

A measurement is a module of this folder with the names of its ``FIGURES`` and a function
``measure()`` that returns them and starts everything it needs by itself.
"""

import importlib
import os
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

PARTS = frozenset({"__main__", "figures", "flows", "http_calls", "installation"})


def measurements() -> list[ModuleType]:
    """Return every measurement, in the order of the alphabet."""
    found = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
    return [importlib.import_module(f"tests.load.{name}") for name in sorted(found - PARTS)]


def main(arguments: list[str]) -> int:
    """Print each figure as it is known; answer 2 for a name that does not exist."""
    wanted = {
        name
        for argument in [*arguments, os.environ.get("ONLY", "")]
        for name in argument.split(",")
        if name
    }
    known = {name for module in measurements() for name in module.FIGURES}
    if wanted - known:
        missing = ", ".join(sorted(wanted - known))
        sys.stderr.write(f"No figure {missing}; there are {', '.join(sorted(known))}.\n")
        return 2
    for module in measurements():
        if wanted and not wanted & set(module.FIGURES):
            continue
        for figure in module.measure():
            if not wanted or figure.name in wanted:
                sys.stdout.write(figure.line() + "\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
