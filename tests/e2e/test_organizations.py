"""``headgate-server organizations``: an operator lets a locked-out organization in again."""

import os
import subprocess
import sys

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.services import allowlists, organizations
from tests.factories.tenants import make_tenant
from tests.fixtures.databases import SECRET_KEY

pytestmark = pytest.mark.e2e


def clear(urls: DatabaseUrls, slug: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HEADGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "headgate_server", "organizations", "clear-allowlist", slug],
        env={
            **kept,
            "HEADGATE_DATABASE_URL": urls.app,
            "HEADGATE_SYSTEM_DATABASE_URL": urls.system,
            "HEADGATE_SECRET_KEY": SECRET_KEY,
        },
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

    done, again = clear(urls, made.slug), clear(urls, "nobody")

    async with database.tenant(tenant.owner, None) as work:
        found = await organizations.get_organization(work, id_=tenant.organization_id)
    assert (done.returncode, again.returncode) == (0, 1), (done.stderr, again.stderr)
    assert made.allowed_networks == ("10.0.0.0/8",)
    assert found.allowed_networks == ()
    assert "No organization has this slug." in again.stderr
