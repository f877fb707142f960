"""The names that Prefect documents, by module, and the page of those that are elsewhere.

``anchor_names.txt`` lists what its guides import and what its reference has for code of users,
without what is the server's and the command line's own. Run this to write the page.
"""

from pathlib import Path

from headgate.elsewhere import Entry, entries
from tests.fixtures.repository import ROOT

PAGE = ROOT / "infra" / "docs" / "using" / "names-of-prefect.md"
_FILE = Path(__file__).with_suffix(".txt")
_HEAD = """\
# Names of Prefect's that are elsewhere

What Prefect documents for the code of flows is here under the same name, with `headgate` in the
place of `prefect`, but for what this page lists: an import of one of these raises an ImportError
that says the same. See [coming from Prefect](coming-from-prefect.md) for what differs.

| Prefect | | Instead |
|---|---|---|
"""


def anchor_names() -> dict[str, list[str]]:
    """Return the documented names of each module; empty where only the module is named."""
    found: dict[str, list[str]] = {}
    module = ""
    for line in _FILE.read_text().splitlines():
        if line.startswith(" "):
            found[module] += line.split()
        else:
            module = line
            found[module] = []
    return found


def page() -> str:
    """Return the page: a row for each entry."""
    return _HEAD + "".join(map(_row, entries()))


def _row(entry: Entry) -> str:
    names = ", ".join(f"`{name}`" for name in entry.names) or "all of it"
    instead = entry.instead.replace("|", "\\|")
    return f"| `{entry.module}` | {names} | {instead} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
