"""``headgate-server organizations``: what an operator does with organizations from a terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.services import allowlists, organizations
from tests.e2e.dev_server import dev_server
from tests.factories.tenants import make_tenant
from tests.fixtures.databases import SECRET_KEY

pytestmark = pytest.mark.e2e


def operate(urls: DatabaseUrls, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(
        "organizations",
        *arguments,
        HEADGATE_DATABASE_URL=urls.app,
        HEADGATE_SYSTEM_DATABASE_URL=urls.system,
        HEADGATE_SECRET_KEY=SECRET_KEY,
    )


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HEADGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "headgate_server", *arguments],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_operator_lets_everybody_in_again(database: Database, urls: DatabaseUrls) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, None) as work:
        made = await allowlists.set_networks(
            work,
            organization_id=tenant.organization_id,
            networks=["10.0.0.0/8"],
            address="10.0.0.1",
        )

    done = operate(urls, "clear-allowlist", made.slug)
    again = operate(urls, "clear-allowlist", "nobody")

    async with database.tenant(tenant.owner, None) as work:
        found = await organizations.get_organization(work, id_=tenant.organization_id)
    assert (done.returncode, again.returncode) == (0, 1), (done.stderr, again.stderr)
    assert made.allowed_networks == ("10.0.0.0/8",)
    assert found.allowed_networks == ()
    assert "No organization has this slug." in again.stderr


async def test_operator_lists_suspends_resumes_and_measures_organizations(
    database: Database, urls: DatabaseUrls
) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, None) as work:
        slug = (await organizations.get_organization(work, id_=tenant.organization_id)).slug

    suspended = operate(urls, "suspend", slug, "--reason", "Unpaid.")
    listed = json.loads(operate(urls, "list", "-o", "json").stdout)
    resumed = operate(urls, "resume", slug)
    table = operate(urls, "list").stdout.splitlines()
    usage = json.loads(operate(urls, "usage", slug, "-o", "json").stdout)

    assert (suspended.returncode, resumed.returncode) == (0, 0), (suspended, resumed)
    (told,) = [one for one in listed if one["slug"] == slug]
    assert (told["suspendedBecause"], told["workspaces"]) == ("Unpaid.", 1)
    (line,) = [line for line in table if line.startswith(f"{slug} ")]
    assert line.endswith(" -")
    assert {"quota": "RUNS_PER_DAY", "used": 0, "limit": None}.items() <= usage[0].items()


def test_operator_reaches_what_dev_runs(tmp_path: Path) -> None:
    with dev_server(tmp_path) as server:
        folder = ("--data-dir", str(tmp_path / "data"))
        suspended = run("organizations", *folder, "suspend", "default", "--reason", "Unpaid.")
        refused = server.here("whoami")
        held = run("keys", *folder, "status")

    done = (suspended, held)
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert "Unpaid." in refused.err


def test_operator_is_told_that_nothing_runs(tmp_path: Path) -> None:
    idle = run("organizations", "--data-dir", str(tmp_path), "list")

    assert idle.returncode == 1
    assert f"runs in {tmp_path}" in idle.stderr
    assert list(tmp_path.iterdir()) == []
