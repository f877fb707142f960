"""The sealed secrets of blocks; how they are opened is not known here."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocks.blocks import SealedSecret, SecretField
from headgate_server.tables.workspace_keys import block_secrets, workspace_keys

_WITH_KEYS = block_secrets.join(workspace_keys)
_IS_LOST = workspace_keys.c.wrapped.is_(None).label("is_lost")


async def get_many_fields(
    work: UnitOfWork, document_ids: Sequence[UUID]
) -> dict[UUID, list[SecretField]]:
    """Return what may be known of the secrets of documents, by path; one without any is absent."""
    own = block_secrets.c
    statement = (
        select(own.block_document_id, own.path, own.fingerprint, own.updated_at, _IS_LOST)
        .select_from(_WITH_KEYS)
        .where(own.workspace_id == work.workspace_id, own.block_document_id.in_(document_ids))
        .order_by(own.block_document_id, own.path)
    )
    found: dict[UUID, list[SecretField]] = {}
    for row in await work.execute(statement):
        field = SecretField(row.path, row.fingerprint, row.updated_at, row.is_lost)
        found.setdefault(row.block_document_id, []).append(field)
    return found


async def list_sealed(work: UnitOfWork, document_ids: Collection[UUID]) -> list[SealedSecret]:
    """Return the secrets of documents as they are stored."""
    own = block_secrets.c
    statement = (
        select(block_secrets, _IS_LOST)
        .select_from(_WITH_KEYS)
        .where(own.workspace_id == work.workspace_id, own.block_document_id.in_(document_ids))
    )
    return [
        SealedSecret(
            block_document_id=row.block_document_id,
            path=row.path,
            version=row.version,
            key_id=row.key_id,
            blob=row.blob,
            fingerprint=row.fingerprint,
            is_lost=row.is_lost,
        )
        for row in await work.execute(statement)
    ]


async def upsert_secrets(work: UnitOfWork, sealed: Sequence[SealedSecret]) -> None:
    """Store secrets of a locked document."""
    if not sealed:
        return
    statement = insert(block_secrets).values(
        [
            {
                "workspace_id": work.workspace_id,
                "block_document_id": secret.block_document_id,
                "path": secret.path,
                "version": secret.version,
                "key_id": secret.key_id,
                "blob": secret.blob,
                "fingerprint": secret.fingerprint,
                "updated_at": work.now,
            }
            for secret in sealed
        ]
    )
    new = statement.excluded
    await work.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "block_document_id", "path"],
            set_={
                "version": new.version,
                "key_id": new.key_id,
                "blob": new.blob,
                "fingerprint": new.fingerprint,
                "updated_at": new.updated_at,
            },
        )
    )


async def delete_secrets(work: UnitOfWork, *, document_id: UUID, paths: Collection[str]) -> None:
    """Delete secrets of a locked document."""
    await work.execute(
        delete(block_secrets).where(
            block_secrets.c.workspace_id == work.workspace_id,
            block_secrets.c.block_document_id == document_id,
            block_secrets.c.path.in_(paths),
        )
    )
