"""The sheets of what holds name every item once, and tests that there are."""

import ast
import re
from collections import Counter

import pytest

from tests.fixtures.repository import ROOT

SECURITY = ROOT / "infra/docs/security"
SHEET = SECURITY / "asvs.md"
GAPS = 0
"""Items that do not hold yet. Fewer are welcome; one more needs a decision."""
# ASVS 5.0.0, by section: the level of each item in order, a hyphen for those of level 3.
SECTIONS = {
    "1.1": "22",
    "1.2": "111112222",
    "1.3": "11222222222",
    "1.4": "222",
    "1.5": "12",
    "2.1": "122",
    "2.2": "112",
    "2.3": "1222",
    "2.4": "2",
    "3.2": "11",
    "3.3": "1222",
    "3.4": "112222",
    "3.5": "11122",
    "3.7": "22",
    "4.1": "122",
    "4.2": "2",
    "4.3": "22",
    "4.4": "1222",
    "5.1": "2",
    "5.2": "112",
    "5.3": "11",
    "5.4": "222",
    "6.1": "122",
    "6.2": "111111112222",
    "6.3": "1122",
    "6.4": "1122",
    "6.5": "22222",
    "6.6": "222",
    "6.8": "2222",
    "7.1": "222",
    "7.2": "1111",
    "7.3": "22",
    "7.4": "11222",
    "7.5": "22",
    "7.6": "22",
    "8.1": "12",
    "8.2": "112",
    "8.3": "1",
    "8.4": "2",
    "9.1": "111",
    "9.2": "1222",
    "10.1": "22",
    "10.2": "22",
    "10.3": "2222",
    "10.4": "11111222222",
    "10.5": "22222",
    "10.6": "22",
    "10.7": "222",
    "11.1": "22",
    "11.2": "222",
    "11.3": "112",
    "11.4": "1222",
    "11.5": "2",
    "11.6": "2",
    "12.1": "122",
    "12.2": "11",
    "12.3": "2222",
    "13.1": "2",
    "13.2": "22222",
    "13.3": "22",
    "13.4": "12222",
    "14.1": "22",
    "14.2": "1222",
    "14.3": "122",
    "15.1": "122",
    "15.2": "122",
    "15.3": "1222222",
    "16.1": "2",
    "16.2": "22222",
    "16.3": "2222",
    "16.4": "222",
    "16.5": "222",
}
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(test_\w+)`")
PATH = re.compile(r"`((?:tests|infra|backend|frontend)/[\w./]+)`")
STORES = re.compile(r"\b(?:localStorage|sessionStorage|indexedDB|caches)\.")
SHORTEST_REASON = 7


def rows() -> list[tuple[str, str, str]]:
    """Return every item of the sheet: its number, its level, what is said of it."""
    return [(number, level, said) for number, level, said in ROW.findall(SHEET.read_text())]


def known_tests() -> set[str]:
    """Return the names of every test in the repository."""
    return {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_item_of_levels_1_and_2_is_there_once() -> None:
    items = [
        (f"{section}.{number}", level)
        for section, levels in SECTIONS.items()
        for number, level in enumerate(levels, start=1)
        if level != "-"
    ]

    assert [(number, level) for number, level, _ in rows()] == items
    assert Counter(level for _, level in items) == {"1": 70, "2": 176}


@pytest.mark.parametrize("page", ["asvs.md", "owasp.md", "README.md", "outgoing.md", "accounts.md"])
def test_tests_and_files_that_are_named_exist(page: str) -> None:
    text = (SECURITY / page).read_text()

    assert sorted(set(TEST.findall(text)) - known_tests()) == []
    assert sorted(path for path in set(PATH.findall(text)) if not (ROOT / path).exists()) == []


def test_every_item_has_a_test_or_a_reason() -> None:
    silent = [
        number
        for number, _, said in rows()
        if not TEST.search(said)
        and not (
            said.startswith(("n/a: ", "how: ", "gap: "))
            and len(said.partition(": ")[2]) >= SHORTEST_REASON
        )
    ]

    assert silent == []


def test_gaps_are_counted_and_level_1_has_none() -> None:
    gaps = [(number, level) for number, level, said in rows() if said.startswith("gap: ")]

    assert len(gaps) == GAPS
    assert [number for number, level in gaps if level == "1"] == []


def test_scripts_keep_in_the_browser_what_the_sheet_names_and_nothing_else() -> None:
    (said,) = [said for number, _, said in rows() if number == "14.3.3"]
    keeping = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "frontend/src").rglob("*.ts*")
        if ".test." not in path.name and STORES.search(path.read_text())
    }

    assert keeping == set(PATH.findall(said))
