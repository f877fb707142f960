"""Keys of workspaces on a real database: made once, rotated, wrapped anew, destroyed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from headgate_server.crypto.errors import KeyMismatch, KeyProviderAway
from headgate_server.crypto.keyfile import KeyFiles, make_first_key
from headgate_server.crypto.providers import Providers
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import NotFound, Unavailable
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.workspace_keys import KekUse
from headgate_server.services import kek_checks, workspace_keys
from headgate_server.services.audit_entries import read
from headgate_server.services.kek_checks import Standing
from headgate_server.services.workspace_keys import BATCH, REMEMBERED_SECONDS, KeyDestroyed, Keyring
from headgate_server.tables.workspace_keys import workspace_keys as table
from tests.factories.sealed_values import make_values, opener, read_values
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.sql import query

CUT = """
create sequence rows_done;;
create function cut() returns trigger language plpgsql security definer as $$ begin
  if nextval('rows_done') = {row} then
    raise exception 'the process is gone' using errcode = '57P01';
  end if;
  return new;
end $$;;
create trigger cut before update on block_secrets for each row execute function cut()
"""
"""What the database does to the transaction of a process that is killed at a row."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_first_key(tmp_path / "kek")
    return tmp_path / "kek"


def ring(folder: Path, read_clock: Callable[[], float] = lambda: 0.0) -> Keyring:
    return Keyring(Providers([KeyFiles(folder)]), read_clock=read_clock)


def add_version(folder: Path, version: int) -> None:
    path = folder / f"{version}.key"
    path.touch(0o600)
    path.write_bytes(bytes([version]) * 32)


def replace_key(folder: Path, secret: bytes) -> None:
    path = folder / "1.key"
    path.chmod(0o600)
    path.write_bytes(secret)


def move(folder: Path, name: str) -> None:
    folder.rename(folder.with_name(name))


async def states(database: Database) -> list[tuple[str, str, bool]]:
    """Return the status and version of each key, oldest first, and whether its bytes are there."""
    async with database.system() as work:
        rows = await work.execute(select(table).order_by(table.c.id))
    return [(row.status, row.kek_version, row.wrapped is not None) for row in rows]


async def test_ten_who_need_a_key_at_once_get_the_same(database: Database, folder: Path) -> None:
    tenant = await make_tenant(database)

    found = await asyncio.gather(
        *(workspace_keys.get_active(opener(database, tenant), ring(folder)) for _ in range(10))
    )

    assert len({id_ for id_, _ in found}) == len({key.secret for _, key in found}) == 1
    assert await states(database) == [("ACTIVE", "1", True)]


async def test_each_workspace_has_a_key_of_its_own(database: Database, folder: Path) -> None:
    one, other = await make_tenant(database), await make_tenant(database)
    keyring = ring(folder)
    of_one = await make_values(database, one, keyring)

    foreign, _ = await workspace_keys.get_active(opener(database, other), keyring)
    own, _ = await workspace_keys.get_active(opener(database, one), keyring)

    assert own != foreign
    assert await read_values(database, one, keyring) == of_one
    assert await read_values(database, other, keyring) == {}
    assert await workspace_keys.get_many(opener(database, other), keyring, [own]) == {}


async def test_a_key_is_remembered_for_15_minutes_and_then_says_who_is_away(
    database: Database, folder: Path
) -> None:
    tenant = await make_tenant(database)
    now = [0.0]
    keyring = ring(folder, lambda: now[0])
    values = await make_values(database, tenant, keyring)
    move(folder, "hidden")

    now[0] = REMEMBERED_SECONDS - 1
    served = await read_values(database, tenant, keyring)
    now[0] = REMEMBERED_SECONDS
    with pytest.raises(KeyProviderAway) as away:
        await read_values(database, tenant, keyring)

    assert REMEMBERED_SECONDS == 15 * 60
    assert served == values
    assert away.value.is_retryable
    move(folder.with_name("hidden"), folder.name)
    assert await read_values(database, tenant, keyring) == values


async def test_rotation_seals_every_value_anew_and_destroys_the_old_key(
    database: Database, folder: Path
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    keyring = ring(folder)
    values = await make_values(database, tenant, keyring, count=450)
    await make_values(database, other, keyring)

    count = await workspace_keys.rotate(database, keyring, workspace_id=tenant.workspace_id)

    assert count == 450
    assert await read_values(database, tenant, ring(folder)) == values
    assert await states(database) == [
        ("DESTROYED", "1", False),
        ("ACTIVE", "1", True),
        ("ACTIVE", "1", True),
    ]
    assert await told_of_keys(database, tenant) == [("workspace.keys_rotated", {"keys": 1})]


@pytest.mark.parametrize("row", [1, 2, 200, 201, 450])
async def test_a_rotation_that_was_cut_short_at_a_row_goes_on(
    database: Database, urls: DatabaseUrls, folder: Path, row: int
) -> None:
    tenant = await make_tenant(database)
    keyring = ring(folder)
    values = await make_values(database, tenant, keyring, count=450)
    for statement in CUT.format(row=row).split(";;"):
        await query(urls.owner, statement)

    with pytest.raises(Unavailable):
        await workspace_keys.rotate(database, keyring, workspace_id=tenant.workspace_id)
    half = await read_values(database, tenant, ring(folder))
    statuses = [status for status, _, _ in await states(database)]
    count = await workspace_keys.reseal(database, keyring, workspace_id=tenant.workspace_id)

    assert half == values
    assert statuses == ["DECRYPT", "ACTIVE"]
    assert count == 450 - (row - 1) // BATCH * BATCH
    assert await read_values(database, tenant, ring(folder)) == values
    assert [status for status, _, _ in await states(database)] == ["DESTROYED", "ACTIVE"]


async def test_a_key_that_was_rotated_away_seals_no_more(database: Database, folder: Path) -> None:
    tenant = await make_tenant(database)
    keyring = ring(folder)
    old, _ = await workspace_keys.get_active(opener(database, tenant), keyring)
    await workspace_keys.rotate(database, keyring, workspace_id=tenant.workspace_id)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        with pytest.raises(Unavailable, match="just rotated"):
            await workspace_keys.hold_active(work, id_=old)


async def test_rotation_waits_for_those_who_seal(database: Database, folder: Path) -> None:
    tenant = await make_tenant(database)
    keyring = ring(folder)
    id_, _ = await workspace_keys.get_active(opener(database, tenant), keyring)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await workspace_keys.hold_active(work, id_=id_)
        rotating = asyncio.create_task(
            workspace_keys.rotate(database, keyring, workspace_id=tenant.workspace_id)
        )
        done, _ = await asyncio.wait({rotating}, timeout=0.3)
        assert not done

    assert await rotating == 0


async def test_values_written_during_a_rotation_are_neither_lost_nor_stale(
    database: Database, folder: Path
) -> None:
    tenant = await make_tenant(database)
    keyring = ring(folder)
    expected: dict[UUID, bytes] = {}

    async def write() -> None:
        for _ in range(30):
            try:
                expected.update(await make_values(database, tenant, keyring))
            except Unavailable:
                continue

    async with asyncio.TaskGroup() as tasks:
        writers = [tasks.create_task(write()) for _ in range(3)]
        while not all(writer.done() for writer in writers):
            # The first write of all makes a key, too: who loses that race is told to try again.
            with suppress(Unavailable):
                await workspace_keys.rotate(database, keyring, workspace_id=tenant.workspace_id)
    await workspace_keys.reseal(database, keyring, workspace_id=tenant.workspace_id)

    assert await read_values(database, tenant, ring(folder)) == expected
    assert [state for state, _, _ in await states(database) if state != "DESTROYED"] == ["ACTIVE"]


async def test_rewrapping_touches_no_value_and_frees_the_old_version(
    database: Database, folder: Path
) -> None:
    tenants = [await make_tenant(database) for _ in range(5)]
    keyring = ring(folder)
    values = [await make_values(database, tenant, keyring) for tenant in tenants]
    add_version(folder, 2)

    rewrapped = await workspace_keys.rewrap(database, keyring)
    again = await workspace_keys.rewrap(database, keyring)
    (folder / "1.key").unlink()

    assert (rewrapped.key_count, rewrapped.kek.version) == (5, "2")
    assert again.key_count == 0
    fresh = ring(folder)
    assert [await read_values(database, tenant, fresh) for tenant in tenants] == values
    async with database.system() as work:
        used = await workspace_keys.count_by_kek(work)
    assert used == [KekUse("keyfile", "keyfile", "2", 5)]


async def test_a_destroyed_key_opens_nothing_though_it_was_remembered(
    database: Database, folder: Path
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    keyring = ring(folder)
    await make_values(database, tenant, keyring)
    kept = await make_values(database, other, keyring)

    destroyed = await workspace_keys.destroy(database, workspace_id=tenant.workspace_id)

    assert destroyed == 1
    with pytest.raises(KeyDestroyed):
        await read_values(database, tenant, keyring)
    assert await read_values(database, other, keyring) == kept
    assert await workspace_keys.destroy(database, workspace_id=tenant.workspace_id) == 0
    assert await told_of_keys(database, tenant) == [("workspace.keys_destroyed", {"keys": 1})]


async def told_of_keys(database: Database, tenant: Tenant) -> list[tuple[str, Any]]:
    """Return what the audit log says of keys, the latest first, and how many they were."""
    async with database.tenant(tenant.owner, None) as work:
        page = await read.list_entries(
            work, organization_id=tenant.organization_id, page=PageRequest(size=20)
        )
    return [
        (one.action, one.diff and one.diff["after"]) for one in page.items if ".keys" in one.action
    ]


async def test_a_workspace_that_is_not_there_gets_and_loses_no_key(
    database: Database, folder: Path
) -> None:
    with pytest.raises(NotFound):
        await workspace_keys.rotate(database, ring(folder), workspace_id=new_id())
    with pytest.raises(NotFound):
        await workspace_keys.destroy(database, workspace_id=new_id())

    assert await states(database) == []


async def test_another_key_under_the_same_version_wraps_nothing(
    database: Database, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await make_tenant(database), await make_tenant(database)
    values = await make_values(database, first, ring(folder))
    own = (folder / "1.key").read_bytes()

    replace_key(folder, bytes(32))
    with pytest.raises(KeyMismatch) as wrapping:
        await make_values(database, second, ring(folder))
    with pytest.raises(KeyMismatch):
        await workspace_keys.rotate(database, ring(folder), workspace_id=first.workspace_id)
    with pytest.raises(KeyMismatch) as reading:
        await read_values(database, first, ring(folder))
    with pytest.raises(KeyMismatch):
        await kek_checks.confirm_newest(database, ring(folder).providers)
    add_version(folder, 2)
    with pytest.raises(KeyMismatch):
        await workspace_keys.rewrap(database, ring(folder))
    (folder / "2.key").unlink()
    stored = await states(database)
    replace_key(folder, own)

    assert "Version 1 of keyfile:keyfile is another key" in wrapping.value.detail
    assert wrapping.value.detail in caplog.text
    assert (reading.value.code, str(folder) in reading.value.message) == ("UNAVAILABLE", False)
    assert stored == [("ACTIVE", "1", True)]
    assert await read_values(database, first, ring(folder)) == values
    assert await make_values(database, second, ring(folder))


async def test_what_operators_are_told_of_each_version(
    database: Database, urls: DatabaseUrls, folder: Path
) -> None:
    tenant = await make_tenant(database)
    await make_values(database, tenant, ring(folder))

    async def told() -> list[tuple[str, int, bool, Standing]]:
        found = await kek_checks.examine(database, ring(folder).providers)
        return [(one.kek.version, one.key_count, one.is_newest, one.standing) for one in found]

    well = await told()
    own = (folder / "1.key").read_bytes()
    replace_key(folder, bytes(32))
    other = await told()
    # So it is where keys were wrapped before any check was kept.
    await query(urls.owner, "delete from kek_checks")
    unchecked = await told()
    with pytest.raises(KeyMismatch):
        await kek_checks.confirm_newest(database, ring(folder).providers)
    replace_key(folder, own)
    add_version(folder, 2)
    (folder / "1.key").unlink()
    away = await told()

    assert well == [("1", 1, True, Standing.SAME)]
    assert other == unchecked == [("1", 1, True, Standing.OTHER)]
    assert away == [("2", 0, True, Standing.SAME), ("1", 1, False, Standing.AWAY)]


async def test_of_two_who_start_with_keys_of_their_own_the_first_is_right(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    make_first_key(tmp_path / "another")

    await kek_checks.confirm_newest(database, ring(folder).providers)
    with pytest.raises(KeyMismatch):
        await kek_checks.confirm_newest(database, ring(tmp_path / "another").providers)
    await kek_checks.confirm_newest(database, ring(folder).providers)


async def test_keys_and_values_are_behind_the_walls(database: Database, folder: Path) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    await make_values(database, tenant, ring(folder))

    async with database.tenant(other.owner, other.workspace_id) as work:
        assert (await work.execute(select(table))).all() == []
