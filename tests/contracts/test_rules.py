"""Our own rules find what their samples say, no more and no less, and nothing in this code."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.repository import ROOT

SAMPLES = ROOT / "tests/contracts/rule_samples"
RULES = ROOT / "infra/dev/rules.yaml"
MARK = re.compile(r"\s*# (ruleid|ok): ([a-z-]+)")
SKIPPED = re.compile(r"nosemgrep\b(.*)")
NOQA = re.compile(r"# noqa: ([A-Z0-9, ]*\bS\d+[A-Z0-9, ]*)(.*)")
Place = tuple[str, str, int]


def marked(kind: str) -> set[Place]:
    """Return the lines below marks of a kind: the rule, the file, the number."""
    return {
        (found.group(2), path.name, number + 1)
        for path in SAMPLES.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (found := MARK.match(line)) is not None and found.group(1) == kind
    }


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    command = [ROOT / "infra/dev/rules.sh", "--json", "--quiet", SAMPLES.relative_to(ROOT)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_rules_find_the_bad_samples_and_no_others(report: dict[str, Any]) -> None:
    found = {
        (one["check_id"].rpartition(".")[2], Path(one["path"]).name, one["start"]["line"])
        for one in report["results"]
    }

    assert report["errors"] == []
    assert sorted(found - marked("ruleid")) == []
    assert sorted(marked("ruleid") - found) == []


def test_every_rule_has_bad_and_good_samples() -> None:
    rules = set(re.findall(r"^  - id: (\S+)$", RULES.read_text(), re.MULTILINE))

    assert {rule for rule, *_ in marked("ruleid")} == rules
    assert {rule for rule, *_ in marked("ok")} == rules


def test_code_keeps_the_rules() -> None:
    done = subprocess.run(
        [ROOT / "infra/dev/rules.sh"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_exceptions_to_rules_say_why() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("backend", "client", "infra", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if ".venv" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if _is_silent(line)
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("line", "is_silent"),
    [
        ("x  # noqa: S603", True),
        ("x  # noqa: S603  ", True),
        ("x  # noqa: E501, S608", True),
        ("x  # nosem" + "grep", True),
        ("x  # nosem" + "grep: some-rule", True),
        ("x  # noqa: S603  our own binary", False),
        ("x  # noqa: S603 - our own binary", False),
        ("x  # noqa: E501", False),
        ("x  # nosem" + "grep: some-rule - the only way", False),
    ],
)
def test_silent_exception_is_noticed(line: str, *, is_silent: bool) -> None:
    assert _is_silent(line) == is_silent


def _is_silent(line: str) -> bool:
    noqa, skipped = NOQA.search(line), SKIPPED.search(line)
    if skipped is not None and "#" in line[: skipped.start()]:
        return re.fullmatch(r": [a-z, -]+ - \S.{5,}", skipped.group(1)) is None
    return noqa is not None and len(noqa.group(2).strip(" -#")) < 4
