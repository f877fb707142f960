"""What a server loads as it starts, and that it finds it compiled."""

import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import sqlalchemy
import strawberry

ONE_COMMAND = {"alembic", "mako", "pytest", "headgate"}
"""What migrations, tests and the local agent need."""
ONE_SETTING = {"authlib", "boto3", "httpcore2", "httpx2", "joserfc", "opentelemetry", "zxcvbn"}
"""What identity providers, keys in a cloud, traces and new passwords need."""
LOADED = """
import gc, sys
from headgate_server.loading import load
load("commands"), load("app")
print(gc.isenabled(), gc.get_freeze_count() > 100_000, *{n.split(".")[0] for n in sys.modules})
"""


def test_the_server_leaves_to_a_command_or_a_setting_what_it_alone_needs() -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60
    )

    collects, is_frozen, *loaded = result.stdout.split()
    assert (collects, is_frozen) == ("True", "True")
    assert set(loaded) & (ONE_COMMAND | ONE_SETTING) == set()


def test_libraries_are_installed_with_their_bytecode() -> None:
    sources = [sqlalchemy.__file__, strawberry.__file__]

    assert [name for name in sources if not Path(cache_from_source(name)).exists()] == []
