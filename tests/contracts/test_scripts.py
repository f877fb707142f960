"""The Makefile stays thin, and the scripts that it calls are strict and say what they do."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.repository import ROOT

SCRIPTS = [*sorted((ROOT / "infra").glob("**/*.sh")), ROOT / ".ci/run"]
TARGET = re.compile(r"^(\w+):(.*)\n((?:\t.*\n)*)", re.MULTILINE)


def targets() -> dict[str, tuple[str, str]]:
    """Return each target's comment and recipe."""
    text = (ROOT / "Makefile").read_text()
    return {name: (comment, recipe) for name, comment, recipe in TARGET.findall(text)}


@pytest.mark.parametrize("name", sorted(targets()))
def test_target_is_one_line_into_a_script(name: str) -> None:
    comment, recipe = targets()[name]

    assert re.fullmatch(r" ## \S.*", comment)
    call = re.fullmatch(r"\t@(infra/dev/\w+\.sh)( .*)?\n", recipe)
    assert call is not None, recipe
    assert os.access(ROOT / call.group(1), os.X_OK)


def test_every_target_of_the_house_exists() -> None:
    daily = {"help", "demo", "dev", "test", "check", "fix", "schema", "migration"}
    long = {"bench", "conditions", "chaos", "soak"}

    assert set(targets()) == daily | long


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script_is_strict_and_says_what_it_does(script: Path) -> None:
    lines = script.read_text().splitlines()

    assert lines[0] == "#!/usr/bin/env bash"
    assert re.fullmatch(r"# [A-Z].*\.", lines[1]), lines[1]
    assert "set -euo pipefail" in lines
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False, timeout=10).returncode == 0
