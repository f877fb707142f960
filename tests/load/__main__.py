"""Measure the product's figures: ``python -m tests.load [FIGURE,…]``, all of them without a name.

``bloat_*`` names all that begin so.

A measurement is a module of this folder with the names of its ``FIGURES`` and a function
``measure()`` that returns them and starts everything it needs by itself.
"""

import fnmatch
import importlib
import logging
import os
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

logger = logging.getLogger(__name__)

PARTS = frozenset(
    {
        "__main__",
        "figures",
        "flooding_tenant",
        "flows",
        "http_calls",
        "installation",
        "passes",
        "plans",
        "sizes",
    }
)


def measurements() -> list[ModuleType]:
    """Return every measurement, in the order of the alphabet."""
    found = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
    return [importlib.import_module(f"tests.load.{name}") for name in sorted(found - PARTS)]


def main(arguments: list[str]) -> int:
    """Print each figure as it is known, and go on where a measurement fails.

    Answers 0 when all were taken, 1 when a measurement failed, 2 for a name that does not exist.
    """
    wanted = {
        name
        for argument in [*arguments, os.environ.get("ONLY", "")]
        for name in argument.split(",")
        if name
    }
    known = sorted(name for module in measurements() for name in module.FIGURES)
    missing = ", ".join(sorted(name for name in wanted if not fnmatch.filter(known, name)))
    wanted = {found for name in wanted for found in fnmatch.filter(known, name)}
    if missing:
        sys.stderr.write(f"No figure {missing}; there are {', '.join(known)}.\n")
        return 2
    failed = [
        module.__name__
        for module in measurements()
        if not (wanted and wanted.isdisjoint(module.FIGURES)) and not _take(module, wanted)
    ]
    if failed:
        sys.stderr.write(f"Failed: {', '.join(failed)}\n")
    return 1 if failed else 0


def _take(module: ModuleType, wanted: set[str]) -> bool:
    """Print the figures of one measurement; False where it failed, and what it raised."""
    try:
        for figure in module.measure():
            if not wanted or figure.name in wanted:
                sys.stdout.write(figure.line() + "\n")
                sys.stdout.flush()
    except Exception:
        logger.exception("%s failed", module.__name__)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
