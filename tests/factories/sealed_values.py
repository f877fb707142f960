"""Sealed values of blocks, as rows, with bare documents to belong to."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy import insert, select

from headgate_server.crypto.envelope import Place, seal, unseal
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.services import workspace_keys
from headgate_server.services.blocks import types
from headgate_server.services.blocks.types import BlockTypeChanges, NewSchema
from headgate_server.services.workspace_keys import Keyring
from headgate_server.tables.blocks import block_documents
from headgate_server.tables.workspace_keys import block_secrets
from tests.factories.tenants import Tenant


def opener(
    database: Database, tenant: Tenant
) -> Callable[[], AbstractAsyncContextManager[UnitOfWork]]:
    """Return what opens units of work of a tenant's workspace."""
    return lambda: database.tenant(tenant.owner, tenant.workspace_id)


async def make_values(
    database: Database, tenant: Tenant, keyring: Keyring, *, count: int = 1
) -> dict[UUID, bytes]:
    """Seal and store values, and return them by block."""
    key_id, key = await workspace_keys.get_active(opener(database, tenant), keyring)
    made = {new_id(): f"secret {number}".encode() for number in range(count)}
    rows = [
        {
            "workspace_id": tenant.workspace_id,
            "block_document_id": block_id,
            "path": "password",
            "version": 1,
            "key_id": key_id,
            "blob": seal(key, value, context=_place(tenant, block_id).context),
            "fingerprint": "",
        }
        for block_id, value in made.items()
    ]
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await _make_documents(work, list(made))
        await workspace_keys.hold_active(work, id_=key_id)
        await work.execute(insert(block_secrets), rows)
    return made


async def _make_documents(work: UnitOfWork, ids: list[UUID]) -> None:
    slug = f"login-{ids[0].hex}"
    type_, _ = await types.upsert_type(work, slug=slug, changes=BlockTypeChanges())
    fields = {"properties": {"password": {"writeOnly": True}}}
    schema, _ = await types.register_schema(
        work, block_type_id=type_.id, new=NewSchema(fields=fields)
    )
    rows: list[dict[str, object]] = [
        {
            "workspace_id": work.workspace_id,
            "id": id_,
            "block_type_id": type_.id,
            "block_schema_id": schema.id,
            "name": id_.hex,
            "data": {},
        }
        for id_ in ids
    ]
    await work.execute(insert(block_documents), rows)


async def read_values(database: Database, tenant: Tenant, keyring: Keyring) -> dict[UUID, bytes]:
    """Return every value of a tenant's workspace by block, opened."""
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        rows = (await work.execute(select(block_secrets))).all()
    keys = await workspace_keys.get_many(
        opener(database, tenant), keyring, list({row.key_id for row in rows})
    )
    return {
        row.block_document_id: unseal(
            keys[row.key_id], row.blob, context=_place(tenant, row.block_document_id).context
        )
        for row in rows
    }


def _place(tenant: Tenant, block_id: UUID) -> Place:
    return Place(tenant.workspace_id, block_id, "password", 1)
