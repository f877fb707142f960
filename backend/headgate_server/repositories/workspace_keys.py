"""The wrapped keys of workspaces, and the values sealed under a key that is to go."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.workspace_keys import KekUse, KeyStatus, SealedValue, WorkspaceKey
from headgate_server.repositories.statements import named
from headgate_server.tables.workspace_keys import block_secrets, kek_checks, workspace_keys

_KEK = (workspace_keys.c.kek_provider, workspace_keys.c.kek_id, workspace_keys.c.kek_version)
_CHECK = (kek_checks.c.kek_provider, kek_checks.c.kek_id, kek_checks.c.kek_version)


async def find_active(work: UnitOfWork) -> WorkspaceKey | None:
    """Return the workspace's key that seals."""
    statement = select(workspace_keys).where(
        workspace_keys.c.workspace_id == work.workspace_id,
        workspace_keys.c.status == KeyStatus.ACTIVE,
    )
    row = (await work.execute(statement)).one_or_none()
    return _key(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, WorkspaceKey]:
    """Return those of the workspace's keys that exist, destroyed ones too, by id."""
    statement = select(workspace_keys).where(
        workspace_keys.c.workspace_id == work.workspace_id, workspace_keys.c.id.in_(ids)
    )
    return {row.id: _key(row) for row in await work.execute(statement)}


async def insert_active(
    work: UnitOfWork, *, id_: UUID, wrapped: bytes, kek: tuple[str, str, str]
) -> WorkspaceKey | None:
    """Store a key that seals; None when the workspace has one."""
    provider, kek_id, version = kek
    statement = (
        insert(workspace_keys)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            wrapped=wrapped,
            kek_provider=provider,
            kek_id=kek_id,
            kek_version=version,
            status=KeyStatus.ACTIVE,
            created_at=work.now,
        )
        .on_conflict_do_nothing()
        .returning(workspace_keys)
    )
    row = (await work.execute(statement)).one_or_none()
    return _key(row) if row is not None else None


async def find_check(work: UnitOfWork, *, kek: tuple[str, str, str]) -> bytes | None:
    """Return what a version of the installation's key wrapped first."""
    statement = select(kek_checks.c.wrapped).where(tuple_(*_CHECK) == tuple_(*kek))
    return (await work.execute(statement)).scalar_one_or_none()


async def insert_check(work: UnitOfWork, *, kek: tuple[str, str, str], wrapped: bytes) -> None:
    """Store what a version wrapped first; what is stored already stays."""
    provider, kek_id, version = kek
    values = {"kek_provider": provider, "kek_id": kek_id, "kek_version": version}
    statement = insert(kek_checks).values(**values, wrapped=wrapped, created_at=work.now)
    await work.execute(statement.on_conflict_do_nothing())


async def find_wrapped_by(work: UnitOfWork, *, kek: tuple[str, str, str]) -> WorkspaceKey | None:
    """Return any key that a version wraps, of those that are seen from here."""
    statement = (
        select(workspace_keys)
        .where(tuple_(*_KEK) == tuple_(*kek), workspace_keys.c.wrapped.is_not(None))
        .limit(1)
    )
    row = (await work.execute(statement)).one_or_none()
    return _key(row) if row is not None else None


async def hold_active(work: UnitOfWork, *, id_: UUID) -> bool:
    """Keep a key from being retired until the transaction ends; False if it seals no more."""
    statement = (
        select(workspace_keys.c.id)
        .where(
            workspace_keys.c.workspace_id == work.workspace_id,
            workspace_keys.c.id == id_,
            workspace_keys.c.status == KeyStatus.ACTIVE,
        )
        .with_for_update(read=True)
    )
    return (await work.execute(statement)).one_or_none() is not None


async def retire_active(work: UnitOfWork) -> None:
    """Let the workspace's key open only, after those who seal with it have committed."""
    await work.execute(
        update(workspace_keys)
        .where(
            workspace_keys.c.workspace_id == work.workspace_id,
            workspace_keys.c.status == KeyStatus.ACTIVE,
        )
        .values(status=KeyStatus.DECRYPT)
    )


async def list_wrapped_otherwise(
    work: UnitOfWork, *, kek: tuple[str, str, str], after: tuple[UUID, UUID] | None, limit: int
) -> list[WorkspaceKey]:
    """Return keys of every workspace that another version wraps, by workspace and id."""
    place = tuple_(workspace_keys.c.workspace_id, workspace_keys.c.id)
    statement = (
        select(workspace_keys)
        .where(workspace_keys.c.wrapped.is_not(None), tuple_(*_KEK) != tuple_(*kek))
        .order_by(workspace_keys.c.workspace_id, workspace_keys.c.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(place > tuple_(*after))
    return [_key(row) for row in await work.execute(statement)]


async def update_wrapping(
    work: UnitOfWork, key: WorkspaceKey, *, wrapped: bytes, kek: tuple[str, str, str]
) -> bool:
    """Store a key wrapped anew; False if it was rewrapped or destroyed meanwhile."""
    provider, kek_id, version = kek
    statement = (
        update(workspace_keys)
        .where(
            workspace_keys.c.workspace_id == key.workspace_id,
            workspace_keys.c.id == key.id,
            workspace_keys.c.wrapped == key.wrapped,
        )
        .values(wrapped=wrapped, kek_provider=provider, kek_id=kek_id, kek_version=version)
    )
    return (await work.execute(statement)).rowcount == 1


async def destroy_keys(work: UnitOfWork, *, is_unused_only: bool) -> int:
    """Overwrite the workspace's keys, and return how many.

    Args:
        is_unused_only: only those that seal no more and that no value is sealed under.
    """
    is_used = (
        select(block_secrets.c.key_id)
        .where(
            block_secrets.c.workspace_id == workspace_keys.c.workspace_id,
            block_secrets.c.key_id == workspace_keys.c.id,
        )
        .exists()
    )
    statement = (
        update(workspace_keys)
        .where(
            workspace_keys.c.workspace_id == work.workspace_id,
            workspace_keys.c.wrapped.is_not(None),
        )
        .values(status=KeyStatus.DESTROYED, wrapped=None, destroyed_at=work.now)
    )
    if is_unused_only:
        statement = statement.where(workspace_keys.c.status == KeyStatus.DECRYPT, ~is_used)
    return (await work.execute(statement)).rowcount


async def count_by_kek(work: UnitOfWork) -> list[KekUse]:
    """Return how many keys of all workspaces each version wraps."""
    statement = (
        select(*_KEK, func.count().label("key_count"))
        .where(workspace_keys.c.wrapped.is_not(None))
        .group_by(*_KEK)
        .order_by(*_KEK)
    )
    return [
        KekUse(row.kek_provider, row.kek_id, row.kek_version, row.key_count)
        for row in await work.execute(statement)
    ]


async def list_sealed_otherwise(work: UnitOfWork, *, key_id: UUID, limit: int) -> list[SealedValue]:
    """Return values of the workspace that another key than this one seals, and still opens."""
    values = block_secrets.c
    others = select(workspace_keys.c.id).where(
        workspace_keys.c.workspace_id == work.workspace_id,
        workspace_keys.c.id != key_id,
        workspace_keys.c.wrapped.is_not(None),
    )
    statement = (
        select(block_secrets)
        .where(values.workspace_id == work.workspace_id, values.key_id.in_(others))
        .order_by(values.key_id, values.block_document_id, values.path)
        .limit(limit)
    )
    return [
        SealedValue(
            workspace_id=row.workspace_id,
            block_document_id=row.block_document_id,
            path=row.path,
            version=row.version,
            key_id=row.key_id,
            blob=row.blob,
        )
        for row in await work.execute(statement)
    ]


async def update_sealing(
    work: UnitOfWork, values: Sequence[SealedValue], *, key_id: UUID, blobs: Sequence[bytes]
) -> int:
    """Store values sealed anew, and return of how many: the others were changed meanwhile.

    Args:
        blobs: one for each value, in the same order.
    """
    done = await work.execute(
        named("reseal_values"),
        {
            "workspace_id": work.workspace_id,
            "key_id": key_id,
            "document_ids": [value.block_document_id for value in values],
            "paths": [value.path for value in values],
            "versions": [value.version for value in values],
            "old_key_ids": [value.key_id for value in values],
            "old_blobs": [value.blob for value in values],
            "blobs": list(blobs),
        },
    )
    return done.rowcount


def _key(row: Row[Any]) -> WorkspaceKey:
    return WorkspaceKey(
        workspace_id=row.workspace_id,
        id=row.id,
        wrapped=row.wrapped,
        kek_provider=row.kek_provider,
        kek_id=row.kek_id,
        kek_version=row.kek_version,
        status=KeyStatus(row.status),
        created_at=row.created_at,
        destroyed_at=row.destroyed_at,
    )
