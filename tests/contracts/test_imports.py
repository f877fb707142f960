"""What a server loads as it starts, and that it finds it compiled."""

import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import sqlalchemy
import strawberry

ONE_COMMAND = {"alembic", "mako", "pytest", "headgate"}
"""What migrations, tests and the local agent need."""


def test_the_server_leaves_to_a_command_what_it_alone_needs() -> None:
    code = "import headgate_server.commands, sys; print(*{n.split('.')[0] for n in sys.modules})"

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert set(result.stdout.split()) & ONE_COMMAND == set()


def test_libraries_are_installed_with_their_bytecode() -> None:
    sources = [sqlalchemy.__file__, strawberry.__file__]

    assert [name for name in sources if not Path(cache_from_source(name)).exists()] == []
