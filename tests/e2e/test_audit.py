"""``headgate-server audit``: an operator verifies the log of an installation, from outside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.ids import Kind, new_id, show
from headgate_server.services.audit_entries.record import record_action
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.sql import query

pytestmark = pytest.mark.e2e

FORGE = """
alter table audit_entries disable trigger user;
alter table audit_entries no force row level security;
update audit_entries set actor_name = 'Somebody else' where action = 'flow.renamed'
"""
CUT = """
alter table audit_entries disable trigger user;
alter table audit_entries no force row level security;
alter table audit_seals disable trigger user;
alter table audit_seals no force row level security;
alter table audit_checkpoints disable trigger user;
alter table audit_checkpoints no force row level security;
alter table audit_heads no force row level security;
delete from audit_entries where {mine}; delete from audit_seals where {mine};
delete from audit_checkpoints where {mine}; delete from audit_heads where {mine}
"""


async def tamper(urls: DatabaseUrls, statements: str) -> None:
    """Do what only whoever owns the tables can do."""
    for statement in statements.split(";"):
        await query(urls.owner, statement)


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    found = await make_tenant(database)
    async with database.tenant(found.owner, found.workspace_id) as work:
        await record_action(work, "renamed", kind=Kind.FLOW, id_=new_id(), name="etl")
    return found


class Operator:
    """Runs ``headgate-server audit`` with the settings of one installation."""

    def __init__(self, urls: DatabaseUrls, folder: Path) -> None:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("HEADGATE_")}
        self.file = folder / "audit-checkpoints.jsonl"
        self.environment = {
            **kept,
            "HEADGATE_SYSTEM_DATABASE_URL": urls.system,
            "HEADGATE_DATABASE_URL": urls.app,
            "HEADGATE_SECRET_KEY": SECRET_KEY,
            "HEADGATE_AUDIT_CHECKPOINTS": str(folder),
        }

    def run(self, *arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "headgate_server", "audit", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def operator(urls: DatabaseUrls, tmp_path: Path) -> Operator:
    return Operator(urls, tmp_path)


async def test_log_that_nobody_touched_is_good_and_signed(
    operator: Operator, tenant: Tenant
) -> None:
    signed = operator.run("checkpoint")
    again = operator.run("checkpoint")
    verified = operator.run("verify", "--checkpoints", str(operator.file))
    _, key, _ = operator.run("public-key")

    assert signed[:2] == (0, "1 chains are signed; the others had not grown.\n")
    assert again[1].startswith("0 chains")
    assert verified[0] == 0, verified
    assert show(Kind.ORGANIZATION, tenant.organization_id) in verified[1]
    assert key.strip() in operator.file.read_text()


async def test_forged_entry_is_told_with_its_number(
    operator: Operator, tenant: Tenant, urls: DatabaseUrls
) -> None:
    operator.run("checkpoint")
    await tamper(urls, FORGE)

    status, told, _ = operator.run(
        "verify", "--organization", show(Kind.ORGANIZATION, tenant.organization_id)
    )

    assert status == 1
    assert "TAMPERED at " in told
    assert "the entry is not the one that was sealed" in told


async def test_log_that_vanished_is_told_by_the_checkpoints_that_were_kept(
    operator: Operator, tenant: Tenant, urls: DatabaseUrls
) -> None:
    operator.run("checkpoint")
    await tamper(urls, CUT.format(mine=f"organization_id = '{tenant.organization_id}'"))

    forgotten = operator.run("verify")
    kept = operator.run("verify", "--checkpoints", str(operator.file))

    shown = show(Kind.ORGANIZATION, tenant.organization_id)
    gone = "the organization exists, and all that was written of it is gone"
    assert forgotten == (1, f"{shown}  TAMPERED at 1: {gone}\n", "")
    assert kept[0] == 1
    assert "TAMPERED at 1: the end is missing" in kept[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--checkpoints", "/nowhere/to/be/found"), "cannot be read"),
        (("--public-key", "no"), "64 hexadecimal digits"),
        (("--organization", "ws_1"), "An id has 26 characters"),
    ],
)
async def test_what_is_misspelt_is_said_so(
    operator: Operator, tenant: Tenant, arguments: tuple[str, str], told: str
) -> None:
    assert tenant
    status, _, error = operator.run("verify", *arguments)

    assert status != 0
    assert told in error
    assert "Traceback" not in error
