"""No command asks anything where nobody could answer."""

import inspect
import io
import signal
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from headgate.cli import tree
from tests.client.cli.commands import headgate_here
from tests.client.cli.conftest import FLOWS
from tests.client.cli.terminals import WORD, with_unread_input
from tests.client.cli.test_help import ALL_VERBS
from tests.e2e.dev_server import DevServer
from tests.fixtures.deadlines import eventually_sync

LASTING: dict[str, tuple[tuple[str, ...], str]] = {
    "agent start": (("agent", "start", "--pool", "default"), "Waiting for runs"),
    "login": (("login",), "type in this code"),
    "login with a browser": (("login",), "Your browser opens"),
    "task serve": (("task", "serve", "flows.py:double"), "Serving double"),
}
"""Those that go on, and what they say once they do."""
NOWHERE = {
    "HEADGATE_API_URL": "http://127.0.0.1:9",
    "HEADGATE_API_KEY": "key",
    "HEADGATE_WORKSPACE": "acme/prod",
    "HEADGATE_REQUEST_DEADLINE_SECONDS": "0.01",
}
BROWSERS = {"login": {"DISPLAY": "", "BROWSER": ""}, "login with a browser": {"BROWSER": "true"}}
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


@pytest.mark.e2e
@pytest.mark.parametrize("name", LASTING)
def test_command_that_goes_on_asks_nothing_without_a_terminal(
    name: str, cli_server: DevServer, tmp_path: Path
) -> None:
    arguments, words = LASTING[name]
    (tmp_path / "flows.py").write_text(FLOWS)
    given = {**cli_server.environment, **home(tmp_path), **BROWSERS.get(name, {})}

    with with_unread_input(*arguments, environment=given, folder=tmp_path) as command:
        eventually_sync(lambda: words in command.said, within_seconds=60, what=words)
        command.process.send_signal(signal.SIGTERM)
        command.process.wait(timeout=60)

        assert command.left() == WORD, command.said
    assert "[y/N]" not in command.said
    assert "Traceback" not in command.said


def test_every_command_that_goes_on_is_there() -> None:
    names = {" ".join(path) for path, _ in ALL_VERBS}

    assert {name.removesuffix(" with a browser") for name in LASTING} - names == set()
