"""Measure the product's figures: ``python -m tests.load [NAME…]``, all of them without a name.

A measurement is a module of this folder with a function ``measure()`` that returns its figures and
starts everything it needs by itself.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

NOT_MEASUREMENTS = frozenset({"__main__", "figures"})


def names() -> list[str]:
    """Return every measurement, in the order of the alphabet."""
    found = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
    return sorted(found - NOT_MEASUREMENTS)


def main(chosen: list[str]) -> int:
    """Print each figure as it is known; answer 2 for a name that does not exist."""
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        sys.stderr.write(f"No measurement {', '.join(unknown)}; there are {', '.join(names())}.\n")
        return 2
    for name in chosen or names():
        for figure in importlib.import_module(f"tests.load.{name}").measure():
            sys.stdout.write(figure.line() + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
