"""Every help text of the command line: ``python -m tests.client.cli.golden_help`` prints them.

What it prints is kept in ``help.txt``, so that a change of what people read is seen.
"""

import sys
import tempfile
from pathlib import Path

from headgate.cli import tree
from tests.client.cli.commands import headgate_here

GOLDEN = Path(__file__).with_name("help.txt")


def golden_help() -> str:
    """Return the help of the command, of each noun and of each verb."""
    paths = [(), *[(verb.name,) for verb in tree.VERBS]]
    for noun in tree.NOUNS:
        paths += [(noun.name,), *[(noun.name, verb.name) for verb in noun.verbs]]
    with tempfile.TemporaryDirectory() as folder:
        return "\n".join(_help(path, Path(folder)) for path in paths)


def _help(path: tuple[str, ...], folder: Path) -> str:
    environment = {"HEADGATE_HOME": str(folder), "COLUMNS": "80"}
    done = headgate_here(*path, "--help", environment=environment, folder=folder)
    lines = [line.rstrip() for line in done.out.strip().splitlines()]
    return "\n".join([f"$ {' '.join(['headgate', *path, '--help'])}", *lines, ""])


if __name__ == "__main__":
    sys.stdout.write(golden_help())
