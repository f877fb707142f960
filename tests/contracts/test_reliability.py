"""The sheet of what holds when something breaks: every promise once, with what shows it."""

import fnmatch
import re

from tests.chaos.__main__ import unknown
from tests.contracts.test_asvs import PATH, TEST, known_tests
from tests.fixtures.repository import ROOT
from tests.load.__main__ import measurements

SHEET = ROOT / "infra/docs/operating/reliability.md"
PROMISES = 39
ROW = re.compile(r"^\| R(\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
SCENARIOS = re.compile(r"make chaos ONLY=([\w,-]+)")
FIGURES = re.compile(r"make bench ONLY=([\w,*]+)")


def named(pattern: re.Pattern[str]) -> list[str]:
    return [name for found in pattern.findall(SHEET.read_text()) for name in found.split(",")]


def test_every_promise_is_there_once_and_shown() -> None:
    rows = ROW.findall(SHEET.read_text())

    assert [int(number) for number, *_ in rows] == list(range(1, PROMISES + 1))
    silent = [
        number
        for number, _, test, _ in rows
        if not TEST.search(test) and not test.startswith(("how: ", "gap: "))
    ]
    assert silent == []


def test_what_it_names_exists() -> None:
    text = SHEET.read_text()
    figures = [name for module in measurements() for name in module.FIGURES]

    assert sorted(set(TEST.findall(text)) - known_tests()) == []
    assert sorted(path for path in set(PATH.findall(text)) if not (ROOT / path).exists()) == []
    assert unknown(named(SCENARIOS)) == []
    assert [name for name in named(FIGURES) if not fnmatch.filter(figures, name)] == []
