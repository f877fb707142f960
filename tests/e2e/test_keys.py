"""``headgate-server keys``: an operator's way with the keys of an installation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from headgate_server.crypto.envelope import make_secret
from headgate_server.crypto.keyfile import KeyFiles, make_first_key
from headgate_server.crypto.providers import Providers
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.ids import Kind, show
from headgate_server.services.workspace_keys import BATCH, KeyDestroyed, Keyring
from tests.factories.sealed_values import make_values, read_values
from tests.factories.tenants import make_tenant
from tests.fixtures.check_ups import examine
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query

pytestmark = pytest.mark.e2e


class Operator:
    """Runs ``headgate-server keys`` with the settings of one installation."""

    def __init__(self, urls: DatabaseUrls, folder: Path) -> None:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("HEADGATE_")}
        self.environment = {
            **kept,
            "HEADGATE_OWNER_DATABASE_URL": urls.owner,
            "HEADGATE_DATABASE_URL": urls.app,
            "HEADGATE_SYSTEM_DATABASE_URL": urls.system,
            "HEADGATE_SECRET_KEY": SECRET_KEY,
            "HEADGATE_KEK": f"keyfile:{folder}",
        }
        self.folder = folder

    def keyring(self) -> Keyring:
        return Keyring(Providers([KeyFiles(self.folder)]))

    def start(self, *arguments: str, verb: str = "keys") -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "headgate_server", verb, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, verb: str = "keys") -> tuple[int, str, str]:
        with self.start(*arguments, verb=verb) as process:
            out, err = process.communicate(timeout=60)
            return process.returncode, out, err


@pytest.fixture
def operator(urls: DatabaseUrls, tmp_path: Path) -> Operator:
    make_first_key(tmp_path / "kek")
    return Operator(urls, tmp_path / "kek")


def add_version(folder: Path, version: int) -> None:
    path = folder / f"{version}.key"
    path.touch(0o600)
    path.write_bytes(make_secret())


async def test_keys_are_wrapped_anew_and_the_old_version_is_free(
    operator: Operator, database: Database
) -> None:
    tenants = [await make_tenant(database) for _ in range(3)]
    values = [await make_values(database, tenant, operator.keyring()) for tenant in tenants]
    add_version(operator.folder, 2)

    _, before, _ = operator.run("status")
    rotated = operator.run("rotate-kek")
    _, after, _ = operator.run("status")
    (operator.folder / "1.key").unlink()

    assert "       3  keyfile:keyfile  version 1  (rotate-kek" in before
    assert rotated == (0, "3 keys are wrapped anew, by version 2.\n", "")
    assert after == (
        "Keys are wrapped by keyfile:keyfile, version 2.\n       3  keyfile:keyfile  version 2\n"
    )
    assert [await read_values(database, tenant, operator.keyring()) for tenant in tenants] == values


async def test_another_key_under_the_same_version_is_told(
    operator: Operator, database: Database, redis_url: str
) -> None:
    tenant = await make_tenant(database)
    await make_values(database, tenant, operator.keyring())
    (operator.folder / "1.key").chmod(0o600)
    (operator.folder / "1.key").write_bytes(bytes(32))
    environment = {**operator.environment, "HEADGATE_REDIS_URL": redis_url}

    status = operator.run("status")
    rotated = operator.run("rotate-workspace", show(Kind.WORKSPACE, tenant.workspace_id))
    _, examined = examine(environment)
    operator.environment = environment
    started = operator.run(verb="scheduler")

    assert "       1  keyfile:keyfile  version 1  (OTHER: Version 1 of" in status[1]
    assert (rotated[0] > 0, "is another key" in rotated[2]) == (True, True)
    assert examined["keys"]["level"] == "ERROR"
    assert (started[0] > 0, "is another key" in started[2]) == (True, True)


HOLD = """
create sequence rows_done;;
create function hold() returns trigger language plpgsql security definer as $$ begin
  if nextval('rows_done') = {row} then perform pg_advisory_xact_lock(7); end if;
  return new;
end $$;;
create trigger hold before update on block_secrets for each row execute function hold()
"""
"""Keeps who changes a row waiting until the test lets go of a lock."""

WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


@pytest.mark.parametrize("row", [1, 201, 350, 450])
async def test_a_rotation_that_is_killed_at_a_row_is_resumed_and_loses_nothing(
    operator: Operator, database: Database, urls: DatabaseUrls, row: int
) -> None:
    tenant = await make_tenant(database)
    workspace = show(Kind.WORKSPACE, tenant.workspace_id)
    values = await make_values(database, tenant, operator.keyring(), count=450)
    for statement in HOLD.format(row=row).split(";;"):
        await query(urls.owner, statement)

    async with database.system() as work:
        await work.execute(text("select pg_advisory_xact_lock(7)"))
        with operator.start("rotate-workspace", workspace) as process:
            try:
                await eventually(lambda: query(urls.owner, WAITING), within_seconds=60)
            finally:
                process.kill()
    half = await read_values(database, tenant, operator.keyring())
    code, out, _ = operator.run("rotate-workspace", workspace, "--resume")

    assert half == values
    assert (code, out) == (0, f"{450 - (row - 1) // BATCH * BATCH} values are sealed anew.\n")
    assert await read_values(database, tenant, operator.keyring()) == values
    statuses = "select string_agg(status, ' ' order by id) from workspace_keys"
    assert await query(urls.owner, statuses) == "DESTROYED ACTIVE"


async def test_destroying_needs_the_name_twice(operator: Operator, database: Database) -> None:
    tenant = await make_tenant(database)
    workspace = show(Kind.WORKSPACE, tenant.workspace_id)
    values = await make_values(database, tenant, operator.keyring())

    code, _, told = operator.run("destroy", workspace)
    assert (code, f"--confirm {workspace}" in told) == (2, True)
    assert await read_values(database, tenant, operator.keyring()) == values

    assert operator.run("destroy", workspace, "--confirm", workspace)[:2] == (
        0,
        "1 keys are destroyed.\n",
    )
    with pytest.raises(KeyDestroyed):
        await read_values(database, tenant, operator.keyring())


@pytest.mark.parametrize(
    ("kek", "told"),
    [
        ("", "Set HEADGATE_KEK"),
        ("nonsense", "HEADGATE_KEK is"),
        ("keyfile:/none", "cannot be read"),
    ],
)
def test_a_provider_that_is_not_there_is_told(operator: Operator, kek: str, told: str) -> None:
    operator.environment["HEADGATE_KEK"] = kek

    code, out, err = operator.run("status")

    assert code in {1, 2}
    assert (out, told in err) == ("", True)
