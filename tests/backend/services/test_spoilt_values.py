"""Values that do not open under their key, as the others are sealed anew."""

from pathlib import Path

import pytest
from sqlalchemy import text

from headgate_server.crypto.keyfile import KeyFiles, make_first_key
from headgate_server.crypto.providers import WrapContext, Wrapped
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict
from headgate_server.services import workspace_keys
from tests.backend.services.test_workspace_keys import ring, states
from tests.factories.sealed_values import make_values, opener
from tests.factories.tenants import make_tenant


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_first_key(tmp_path / "kek")
    return tmp_path / "kek"


async def test_value_that_does_not_open_keeps_no_other_from_being_sealed_anew(
    database: Database, folder: Path
) -> None:
    tenant, keyring = await make_tenant(database), ring(folder)
    values = await make_values(database, tenant, keyring, count=5)
    async with database.system(workspace_id=tenant.workspace_id) as work:
        spoil = "update block_secrets set blob = set_byte(blob, 40, get_byte(blob, 40) # 1)"
        first = "(select block_document_id from block_secrets order by 1 limit 1)"
        await work.execute(text(f"{spoil} where block_document_id = {first}"))

    for attempt in (workspace_keys.rotate, workspace_keys.reseal):
        with pytest.raises(Conflict, match=r"1 do not open, and keep their key: [\w-]+/[\w-]+: "):
            await attempt(database, keyring, workspace_id=tenant.workspace_id)

    states_ = await states(database)
    assert [state for state, *_ in states_] == ["DECRYPT", "ACTIVE"]
    async with database.system(workspace_id=tenant.workspace_id) as work:
        left = await work.execute(
            text(
                "select count(*) from block_secrets join workspace_keys on id = key_id "
                "where status = 'ACTIVE'"
            )
        )
    assert left.scalar_one() == len(values) - 1


async def test_block_that_is_deleted_before_it_could_be_told_of_is_passed_over(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, keyring = await make_tenant(database), ring(folder)
    await make_values(database, tenant, keyring)
    old, _ = await workspace_keys.get_active(opener(database, tenant), keyring)
    unwrap = KeyFiles.unwrap

    async def delete_and_unwrap(self: KeyFiles, wrapped: Wrapped, *, context: WrapContext) -> bytes:
        if context.key_id == old:
            async with database.system(workspace_id=tenant.workspace_id) as work:
                await work.execute(text("delete from block_documents"))
        return await unwrap(self, wrapped, context=context)

    async with database.system(workspace_id=tenant.workspace_id) as work:
        await work.execute(text("update block_secrets set blob = substr(blob, 2)"))
    monkeypatch.setattr(KeyFiles, "unwrap", delete_and_unwrap)

    count = await workspace_keys.rotate(database, ring(folder), workspace_id=tenant.workspace_id)

    assert count == 0
    assert [state for state, *_ in await states(database)] == ["DESTROYED", "ACTIVE"]
