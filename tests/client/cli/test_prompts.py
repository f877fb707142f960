"""No command asks anything where nobody could answer."""

import inspect
import io
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from headgate.cli import tree
from tests.client.cli.commands import headgate_here
from tests.client.cli.test_help import ALL_VERBS

LASTING = {"agent start", "task serve", "login"}
"""They go on, or open a browser: tests of their own show what they do without a terminal."""
NOWHERE = {
    "HEADGATE_API_URL": "http://127.0.0.1:9",
    "HEADGATE_API_KEY": "key",
    "HEADGATE_WORKSPACE": "acme/prod",
    "HEADGATE_REQUEST_DEADLINE_SECONDS": "0.01",
}
QUICK = [(path, verb) for path, verb in ALL_VERBS if " ".join(path) not in LASTING]


class Unasked(io.StringIO):
    """A standard input that is no terminal, and that nobody may read from."""

    def read(self, size: int | None = -1, /) -> str:
        raise AssertionError(size)

    def readline(self, size: int = -1, /) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - str alone
        raise AssertionError(size)


def arguments_of(function: Callable[..., Any]) -> list[str]:
    """Return words for all that a verb needs to be told."""
    words: list[str] = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            continue
        word = _word_for(parameter.annotation)
        is_option = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        words += [f"--{parameter.name.strip('_').replace('_', '-')}", word] if is_option else [word]
    return words


def _word_for(annotation: Any) -> str:
    while get_origin(annotation) is not None and not isinstance(annotation, types.UnionType):
        annotation = annotation.__args__[0] if hasattr(annotation, "__args__") else annotation
        if isinstance(annotation, str):
            return annotation  # The first of a Literal's words.
    kinds = get_args(annotation) or (annotation,)
    return "1" if int in kinds or float in kinds else "x"


@pytest.mark.parametrize(("path", "verb"), QUICK, ids=[" ".join(path) for path, _ in QUICK])
def test_command_without_a_terminal_asks_nothing(
    path: tuple[str, ...], verb: tree.Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _, name = verb.target.partition(":")
    function = getattr(__import__(module, fromlist=[name]), name)
    monkeypatch.setattr("sys.stdin", Unasked())

    done = headgate_here(
        *path, *arguments_of(function), environment={**NOWHERE, **home(tmp_path)}, folder=tmp_path
    )

    assert "[y/N]" not in done.err
    assert "AssertionError" not in done.err


def home(folder: Path) -> dict[str, str]:
    return {"HEADGATE_HOME": str(folder / "home")}


@pytest.mark.parametrize("name", sorted(LASTING))
def test_commands_left_out_are_there(name: str) -> None:
    assert name in {" ".join(path) for path, _ in ALL_VERBS}
