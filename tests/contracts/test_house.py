"""The house holds: in this repository, and each rule catches a violation planted in a small one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts import source_rules
from tests.fixtures.repository import ROOT

Rule = Callable[[Path], list[str]]

RULES: tuple[Rule, ...] = (
    source_rules.long_files,
    source_rules.long_functions,
    source_rules.nouns_without_service,
    source_rules.locks_with_addresses,
    source_rules.stray_entries,
    source_rules.forbidden_words,
)
SERVICE = "backend/headgate_server/services"
GRAPHQL = "backend/headgate_server/graphql"
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 50
SHORT_FUNCTION = "def f():\n" + "    x = 1\n" * 49

PLANTED: tuple[tuple[Rule, str, str, str], ...] = (
    (source_rules.long_files, "tests/a.py", "x = 1\n" * 401, "tests/a.py has 401 lines, over 400"),
    (source_rules.long_files, "infra/b.sh", ":\n" * 401, "infra/b.sh has 401 lines, over 400"),
    (
        source_rules.long_functions,
        "client/a.py",
        LONG_FUNCTION,
        "client/a.py:f has 51 lines, over 50",
    ),
    (
        source_rules.long_functions,
        "tests/a.py",
        f"class C:\n    {LONG_FUNCTION.replace(chr(10), chr(10) + '    ')}",
        "tests/a.py:f has 51 lines, over 50",
    ),
    (
        source_rules.nouns_without_service,
        f"{GRAPHQL}/queries/gadgets.py",
        "",
        "graphql/queries/gadgets has no services/gadgets",
    ),
    (
        source_rules.nouns_without_service,
        f"{GRAPHQL}/types/gadgets/__init__.py",
        "",
        "graphql/types/gadgets has no services/gadgets",
    ),
    (
        source_rules.locks_with_addresses,
        "infra/dev/requirements.lock",
        "a==1 --index-url https://example.com/simple",
        "infra/dev/requirements.lock holds https://example.com/simple",
    ),
    (
        source_rules.locks_with_addresses,
        "frontend/package-lock.json",
        '{"resolved": "git+ssh://example.com/a.git"}',
        'frontend/package-lock.json holds git+ssh://example.com/a.git"}',
    ),
    (source_rules.stray_entries, "scripts/run.sh", ":", "scripts"),
    (source_rules.stray_entries, "notes.md", "", "notes.md"),
    (
        source_rules.forbidden_words,
        "infra/a.md",
        "ok\nsee " + "/wo" + "rk/here",
        "infra/a.md:2 names a path of one machine: " + "/wo" + "rk/",
    ),
    (
        source_rules.forbidden_words,
        ".ci/run",
        "curl py" + "pi.org",
        ".ci/run:1 names a package registry's host: py" + "pi.org",
    ),
    (
        source_rules.forbidden_words,
        "client/a.py",
        "# fixes iss" + "ue 12",
        "client/a.py:1 names a task's number: iss" + "ue 1",
    ),
)
ALLOWED: tuple[tuple[Rule, str, str], ...] = (
    (source_rules.long_files, "tests/a.py", "x = 1\n" * 400),
    (source_rules.long_files, "backend/schema.graphql", "#\n" * 1000),
    (source_rules.long_functions, "client/a.py", SHORT_FUNCTION),
    (source_rules.nouns_without_service, f"{GRAPHQL}/queries/viewer.py", ""),
    (source_rules.locks_with_addresses, "infra/dev/requirements.lock", "a==1 --hash=sha256:00"),
    (source_rules.stray_entries, ".editorconfig", ""),
    (source_rules.forbidden_words, "node_modules/a.js", "py" + "pi.org"),
)


def plant(root: Path, *, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.mark.parametrize("rule", RULES)
def test_repository_keeps_the_rule(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize(("rule", "name", "text", "complaint"), PLANTED)
def test_planted_violation_is_caught(
    rule: Rule, name: str, text: str, complaint: str, tmp_path: Path
) -> None:
    plant(tmp_path, name=name, text=text)

    assert rule(tmp_path) == [complaint]


@pytest.mark.parametrize(("rule", "name", "text"), ALLOWED)
def test_what_is_allowed_passes(rule: Rule, name: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, name=name, text=text)

    assert rule(tmp_path) == []


def test_noun_with_a_service_passes(tmp_path: Path) -> None:
    plant(tmp_path, name=f"{SERVICE}/gadgets.py", text="")
    plant(tmp_path, name=f"{GRAPHQL}/mutations/gadgets.py", text="")

    assert source_rules.nouns_without_service(tmp_path) == []


def test_every_rule_has_a_planted_violation() -> None:
    assert {planted[0] for planted in PLANTED} == set(RULES)
