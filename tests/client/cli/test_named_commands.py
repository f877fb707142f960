"""Commands that texts name, in the documentation and in messages: all of them are there."""

import re
from collections.abc import Iterator
from pathlib import Path

from headgate.cli import tree
from tests.fixtures.repository import ROOT

_COMMAND = re.compile(r"(?:`|^\s*\$ )headgate ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?(?=[\s`])", re.M)
_FOLDERS = ("infra/docs", "client", "backend/headgate_server", "frontend/src")
_KINDS = {".md", ".py", ".toml", ".tsx", ".ts"}


def texts() -> Iterator[tuple[Path, str]]:
    yield ROOT / "README.md", (ROOT / "README.md").read_text()
    for folder in _FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in _KINDS and path.is_file():
                yield path, path.read_text()


def unknown(text: str) -> list[str]:
    """Return the commands in a text that do not exist."""
    nouns = {noun.name: {verb.name for verb in noun.verbs} for noun in tree.NOUNS}
    verbs = {verb.name for verb in tree.VERBS}
    return [
        f"headgate {first} {second or ''}".strip()
        for first, second in _COMMAND.findall(text)
        if not (first in verbs or (first in nouns and (not second or second in nouns[first])))
    ]


def test_every_command_that_a_text_names_exists() -> None:
    found = {str(path): wrong for path, text in texts() if (wrong := unknown(text))}

    assert found == {}


def test_a_command_that_does_not_exist_is_seen() -> None:
    text = "`headgate saved-views` or `headgate views list`, `headgate views lost --all`"

    assert unknown(text) == ["headgate saved-views", "headgate views lost"]
