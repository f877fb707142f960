"""Every way in loads by itself: no module counts on another having been imported before it."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

from headgate_server import tables
from headgate_server.repositories.closing import ORGANIZATION, WORKSPACE, Place
from headgate_server.tables.metadata import metadata
from tests.fixtures.repository import ROOT

ENTRANCES = (
    "headgate_server.commands",
    "headgate_server.graphql.schema",
    "headgate_server.http.server",
    "headgate_server.repositories.closing",
    "headgate_server.services.api_keys",
)
APART = {"organization_id": {"login_sessions", "workspaces"}, "workspace_id": set[str]()}
"""A login session is a person's; a workspace is a place of its own; the audit log is kept."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python afresh at the root of the repository."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("name", ENTRANCES)
def test_module_can_be_the_first_that_is_imported(name: str) -> None:
    result = run("-c", f"import {name}")

    assert (result.returncode, result.stderr) == (0, "")


def test_measurements_start_in_a_fresh_process() -> None:
    result = run("-m", "tests.load", "nonsense")

    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("No figure nonsense; there are ")


@pytest.mark.parametrize(
    ("place", "column"), [(WORKSPACE, "workspace_id"), (ORGANIZATION, "organization_id")]
)
def test_sweep_reaches_every_table_of_a_place(place: Place, column: str) -> None:
    # Imported by nothing but the sweep, as in a process that begins with it.
    code = (
        "from headgate_server.repositories.closing import ORGANIZATION, WORKSPACE; "
        f"print(*(table.name for place in (ORGANIZATION, WORKSPACE) if place.column == '{column}' "
        "for table in (*place.tables, place.own)))"
    )
    for module in pkgutil.iter_modules(tables.__path__):
        importlib.import_module(f"{tables.__name__}.{module.name}")
    held = {
        table.name
        for table in metadata.tables.values()
        if column in table.c and not table.name.startswith("audit_")
    } - APART[column]

    swept = set(run("-c", code).stdout.split())

    assert place.column == column
    assert held <= swept
    assert swept - held == {place.own.name} - held
