"""Documents of blocks, and which refer to which."""

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Column, Row, Select, and_, delete, exists, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocks.blocks import BlockDocument
from headgate_server.domain.blocks.documents import names_external
from headgate_server.domain.filters import NameFilter
from headgate_server.domain.pagination import Beginning, Page, PageRequest
from headgate_server.repositories import filters, pages
from headgate_server.tables.blocks import (
    block_documents,
    block_references,
    block_schemas,
    block_types,
)
from headgate_server.tables.workspace_keys import block_secrets


async def insert_document(
    work: UnitOfWork,
    *,
    id_: UUID,
    block_type_id: UUID,
    block_schema_id: UUID,
    name: str,
    data: dict[str, Any],
) -> bool:
    """Store a document; False when the type has one of this name."""
    statement = (
        insert(block_documents)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            block_type_id=block_type_id,
            block_schema_id=block_schema_id,
            name=name,
            data=data,
            created_at=work.now,
            updated_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "block_type_id", "name"])
    )
    return (await work.execute(statement)).rowcount == 1


async def lock_document(
    work: UnitOfWork,
    *,
    id_: UUID | None = None,
    block_type_id: UUID | None = None,
    name: str = "",
    is_deletion: bool = False,
) -> BlockDocument | None:
    """Return a document, by id or by type and name, that others cannot change until the end.

    For a deletion, others cannot refer to it either.
    """
    condition = (
        block_documents.c.id == id_
        if id_ is not None
        else and_(block_documents.c.block_type_id == block_type_id, block_documents.c.name == name)
    )
    statement = (
        _own(work).where(condition).with_for_update(of=block_documents, key_share=not is_deletion)
    )
    row = (await work.execute(statement)).one_or_none()
    return _document(row) if row is not None else None


async def update_document(
    work: UnitOfWork, *, id_: UUID, block_schema_id: UUID, data: dict[str, Any]
) -> BlockDocument:
    """Write the data of a locked document and raise its version."""
    await work.execute(
        update(block_documents)
        .where(block_documents.c.workspace_id == work.workspace_id, block_documents.c.id == id_)
        .values(
            data=data,
            block_schema_id=block_schema_id,
            version=block_documents.c.version + 1,
            updated_at=work.now,
        )
    )
    return (await get_many(work, [id_]))[id_]


async def delete_document(work: UnitOfWork, *, id_: UUID) -> None:
    """Delete a locked document with its secrets."""
    await work.execute(
        delete(block_documents).where(
            block_documents.c.workspace_id == work.workspace_id, block_documents.c.id == id_
        )
    )


async def get_many(work: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, BlockDocument]:
    """Return those of the documents that exist, by id."""
    rows = await work.execute(_own(work).where(block_documents.c.id.in_(ids)))
    return {row.id: _document(row) for row in rows}


async def get_many_named(
    work: UnitOfWork, names: Collection[tuple[str, str]], *, is_kept: bool = False
) -> dict[str, BlockDocument]:
    """Return those of the documents that exist, by ``type-slug/name``.

    Args:
        names: the type's slug and the document's name of each.
        is_kept: whether nobody deletes them until the transaction ends.
    """
    place = tuple_(block_types.c.slug, block_documents.c.name)
    statement = _own(work).where(place.in_(list(names)))
    if is_kept:
        statement = statement.order_by(block_documents.c.id)
        statement = statement.with_for_update(of=block_documents, read=True, key_share=True)
    found = [_document(row) for row in await work.execute(statement)]
    return {document.reference: document for document in found}


async def list_documents(
    work: UnitOfWork,
    *,
    page: PageRequest,
    filter: NameFilter | None,
    type_slug: str | None,
    capability: str | None,
) -> Page[BlockDocument]:
    """Return a page of documents by name and id."""
    statement = _matching(work, filter, type_slug, capability)
    sort = pages.by(block_documents.c.name, block_documents.c.id)
    return await pages.read(work, statement, sort=sort, page=page, make=_document)


async def count_documents(
    work: UnitOfWork,
    *,
    filter: NameFilter | None,
    type_slug: str | None,
    capability: str | None,
    cap: int,
) -> int:
    """Return how many documents match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter, type_slug, capability), cap=cap)


async def lock_references(work: UnitOfWork) -> None:
    """Let nobody else look whether references make a circle until the transaction ends.

    The lock is a statement of its own: what the statement that takes it reads is older than it.
    """
    name = f"headgate.block_references:{work.workspace_id}"
    await work.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def replace_references(
    work: UnitOfWork, *, block_document_id: UUID, referred: Collection[UUID]
) -> None:
    """Make these the documents that a locked document refers to; they exist until it does not."""
    own = block_references.c
    await work.execute(
        delete(block_references).where(
            own.workspace_id == work.workspace_id,
            own.block_document_id == block_document_id,
            own.referred_id.not_in(referred),
        )
    )
    if referred:
        rows = [
            {
                "workspace_id": work.workspace_id,
                "block_document_id": block_document_id,
                "referred_id": id_,
            }
            for id_ in sorted(referred)
        ]
        await work.execute(insert(block_references).values(rows).on_conflict_do_nothing())


async def list_reached(work: UnitOfWork, ids: Collection[UUID]) -> set[UUID]:
    """Return every document that some refer to, directly or through others; also a cycle ends."""
    own = block_references.c
    reached = _closure(work, ids, start=own.block_document_id, end=own.referred_id)
    return set((await work.execute(select(reached.c.id))).scalars())


async def list_with_secrets(work: UnitOfWork, *, referring_to: UUID) -> list[BlockDocument]:
    """Return the documents with secrets, also in other stores, that refer to one, by name.

    Directly or through others; a cycle ends, too.
    """
    own = block_references.c
    above = _closure(work, [referring_to], start=own.referred_id, end=own.block_document_id)
    is_sealed = exists().where(
        block_secrets.c.workspace_id == work.workspace_id,
        block_secrets.c.block_document_id == block_documents.c.id,
    )
    statement = (
        _own(work)
        .add_columns(is_sealed.label("is_sealed"))
        .where(block_documents.c.id.in_(select(above.c.id)))
        .order_by(block_documents.c.name, block_documents.c.id)
    )
    found = [(_document(row), row.is_sealed) for row in await work.execute(statement)]
    return [one for one, is_sealed in found if is_sealed or names_external(one.data)]


def _closure(
    work: UnitOfWork, ids: Collection[UUID], *, start: Column[UUID], end: Column[UUID]
) -> CTE:
    """Return what is reached from some documents by any number of references, as ``id``."""
    is_own = block_references.c.workspace_id == work.workspace_id
    reached = select(end.label("id")).where(is_own, start.in_(ids)).cte("reached", recursive=True)
    further = select(end.label("id")).join(reached, and_(is_own, start == reached.c.id))
    return reached.union(further)


async def list_referring(work: UnitOfWork, *, id_: UUID, most: int) -> list[BlockDocument]:
    """Return documents that refer to one, by name."""
    own = block_references.c
    referring = select(own.block_document_id).where(
        own.workspace_id == work.workspace_id, own.referred_id == id_
    )
    statement = (
        _own(work)
        .where(block_documents.c.id.in_(referring))
        .order_by(block_documents.c.name, block_documents.c.id)
        .limit(most)
    )
    return [_document(row) for row in await work.execute(statement)]


async def get_many_referring(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Beginning[UUID]]:
    """Return the first documents that refer to each, by name, as their ids.

    One that none refers to is absent.
    """
    own = block_references.c

    def referring(some: Sequence[UUID]) -> Select[Any]:
        return (
            select(block_documents.c.id)
            .join(block_references, own.block_document_id == block_documents.c.id)
            .where(
                block_documents.c.workspace_id == work.workspace_id,
                own.workspace_id == work.workspace_id,
                own.referred_id.in_(some),
            )
        )

    return await pages.read_beginnings(
        work,
        ids,
        referring,
        owner=own.referred_id,
        sort=pages.by(block_documents.c.name, block_documents.c.id),
        make=attrgetter("id"),
    )


def _own(work: UnitOfWork) -> Select[Any]:
    is_of_type = and_(
        block_types.c.workspace_id == block_documents.c.workspace_id,
        block_types.c.id == block_documents.c.block_type_id,
    )
    return (
        select(block_documents, block_types.c.slug)
        .join(block_types, is_of_type)
        .where(
            block_documents.c.workspace_id == work.workspace_id,
            block_types.c.workspace_id == work.workspace_id,
        )
    )


def _matching(
    work: UnitOfWork, filter: NameFilter | None, type_slug: str | None, capability: str | None
) -> Select[Any]:
    statement = _own(work).where(*filters.block_documents(filter))
    if type_slug is not None:
        statement = statement.where(block_types.c.slug == type_slug)
    if capability is not None:
        able = select(block_schemas.c.id).where(
            block_schemas.c.workspace_id == work.workspace_id,
            block_schemas.c.capabilities.contains([capability]),
        )
        statement = statement.where(block_documents.c.block_schema_id.in_(able))
    return statement


def _document(row: Row[Any]) -> BlockDocument:
    return BlockDocument(
        workspace_id=row.workspace_id,
        id=row.id,
        block_type_id=row.block_type_id,
        block_schema_id=row.block_schema_id,
        type_slug=row.slug,
        name=row.name,
        data=row.data,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
