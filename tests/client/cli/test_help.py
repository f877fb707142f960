"""Help: complete, quick, and the same tree that the parser knows."""

import importlib
import resource
import subprocess
import sys

import pytest

from headgate.cli import parsing, tree
from headgate.version import VERSION
from tests.client.cli.commands import headgate
from tests.client.cli.golden_help import GOLDEN, golden_help

SLOW = {"cyclopts", "rich", "gql", "pydantic", "yaml"}
ALL_VERBS = [
    *[((verb.name,), verb) for verb in tree.VERBS],
    *[((noun.name, verb.name), verb) for noun in tree.NOUNS for verb in noun.verbs],
]


def test_help_names_every_noun_and_verb() -> None:
    done = headgate("--help")

    words = done.out.split()
    assert done.code == 0
    assert done.err == ""
    assert {name for names, _ in ALL_VERBS for name in names} - set(words) == set()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["flow-runs", "--help"]])
def test_help_and_version_import_nothing_slow(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom headgate.cli.app import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit: pass\n"
        "print('modules', *{name.partition('.')[0] for name in sys.modules})"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert SLOW & set(done.stdout.rpartition("modules ")[2].split()) == set()


def test_help_is_what_was_read_before() -> None:
    expected = golden_help()

    assert GOLDEN.read_text() == expected, "Read the change, then write it by the command."


def test_help_is_there_at_once() -> None:
    """At most 150 ms of a processor, of which the interpreter itself takes a part."""
    took: list[float] = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = headgate("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.code == 0

    assert min(took) < 0.150


def test_version_is_data() -> None:
    done = headgate("--version")

    assert (done.code, done.out, done.err) == (0, f"{VERSION}\n", "")


@pytest.mark.parametrize(("path", "verb"), ALL_VERBS, ids=[" ".join(path) for path, _ in ALL_VERBS])
def test_every_verb_is_there_and_describes_itself(path: tuple[str, ...], verb: tree.Verb) -> None:
    module, _, function = verb.target.partition(":")

    assert getattr(importlib.import_module(module), function).__doc__
    app = parsing.build()
    for name in path:
        app = app[name]
    assert app.help


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_names_the_nouns(shell: str) -> None:
    done = headgate("completion", shell)

    assert done.code == 0
    assert "flow-runs" in done.out
