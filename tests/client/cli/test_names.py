"""Names of a server as a shell completes them: first and second words of a verb, and of verbs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.cli import completion, tree
from tests.e2e.dev_server import DevServer

SCRIPT = """
source <(headgate completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_headgate_names
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(server: DevServer, *words: str) -> list[str]:
    """Return what bash offers for the last of the words."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "bash", *words],
        env={**os.environ, **server.environment, "PATH": path},
        cwd=server.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("roles", "get", "Vie"), "Viewer"),
        (("members", "bind", "owner@localhost", "Op"), "Operator"),
        (("members", "get", "ow"), "owner@localhost"),
        (("schedules", "create", "pipeline/te"), "pipeline/test"),
        (("work-queues", "list", "def"), "default"),
    ],
)
def test_names_are_offered_where_they_are_taken(
    words: tuple[str, ...], name: str, cli_server: DevServer
) -> None:
    assert name in completed(cli_server, "headgate", *words)


@pytest.mark.e2e
def test_runs_are_offered_to_verbs_without_a_noun_and_twice_to_diff(cli_server: DevServer) -> None:
    run = cli_server.read("deployments", "run", "pipeline/test", "--name", "offered")
    cli_server.here("flow-runs", "cancel", run["id"])

    assert completed(cli_server, "headgate", "explain", "offe") == ["offered"]
    assert completed(cli_server, "headgate", "flow-runs", "diff", "x", "offe") == ["offered"]


def test_every_command_that_is_completed_is_there() -> None:
    there = {f"{noun.name} {verb.name}" for noun in tree.NOUNS for verb in noun.verbs}
    there |= {verb.name for verb in tree.VERBS}

    assert {command.removesuffix(" +") for command in completion.sources()} - there == set()


@pytest.mark.e2e
@pytest.mark.parametrize(
    "words",
    [
        ("variables", "set", "Bad Name", "1"),
        ("blocks", "create", "string", "Bad Name", "--field", "value=x"),
    ],
    ids=lambda words: words[0],
)
def test_name_that_the_server_does_not_take_is_told_without_its_query(
    words: tuple[str, ...], cli_server: DevServer
) -> None:
    done = cli_server.here(*words)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: name has an invalid value: A Key has 1 to 100 lower-case")
    assert done.err.count("\n") == 1
