"""The examples of the documentation run, each page from its top to its end."""

import re
from pathlib import Path

import pytest

from headgate.testing import headgate_test_harness
from tests.fixtures.repository import ROOT

PAGES = sorted((ROOT / "infra" / "docs" / "using").glob("*.md"))
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = [match[1] for match in _EXAMPLE.finditer(page.read_text())]
    names: dict[str, object] = {"__name__": "documentation"}

    with headgate_test_harness():
        for example in examples:
            exec(compile(example, str(page), "exec"), names)  # noqa: S102 - the project's own pages


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    missing = [
        link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()
    ]

    assert missing == []
