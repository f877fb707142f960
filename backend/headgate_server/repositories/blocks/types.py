"""Block types and the versions of their schemas."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocks.blocks import BlockSchema, BlockType
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.repositories import pages
from headgate_server.tables.blocks import block_schemas, block_types


async def insert_type(
    work: UnitOfWork, *, id_: UUID, slug: str, values: dict[str, Any]
) -> BlockType | None:
    """Store a type; None when the workspace has one of this slug."""
    statement = (
        insert(block_types)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            slug=slug,
            created_at=work.now,
            updated_at=work.now,
            **values,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "slug"])
        .returning(block_types)
    )
    row = (await work.execute(statement)).one_or_none()
    return _type(row) if row is not None else None


async def lock_type(
    work: UnitOfWork, *, slug: str | None = None, id_: UUID | None = None
) -> BlockType | None:
    """Return a type, by its slug or its id, that others cannot change until the end."""
    condition = block_types.c.slug == slug if id_ is None else block_types.c.id == id_
    statement = _own_types(work).where(condition).with_for_update(key_share=True)
    row = (await work.execute(statement)).one_or_none()
    return _type(row) if row is not None else None


async def update_type(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> BlockType:
    """Write changed columns of a locked type and raise its version."""
    statement = (
        update(block_types)
        .where(block_types.c.workspace_id == work.workspace_id, block_types.c.id == id_)
        .values(**changes, version=block_types.c.version + 1, updated_at=work.now)
        .returning(block_types)
    )
    return _type((await work.execute(statement)).one())


async def find_type(work: UnitOfWork, *, slug: str) -> BlockType | None:
    """Return the type of a slug."""
    row = (await work.execute(_own_types(work).where(block_types.c.slug == slug))).one_or_none()
    return _type(row) if row is not None else None


async def get_many_types(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, BlockType]:
    """Return those of the types that exist, by id."""
    rows = await work.execute(_own_types(work).where(block_types.c.id.in_(ids)))
    return {row.id: _type(row) for row in rows}


async def list_types(work: UnitOfWork, *, page: PageRequest) -> Page[BlockType]:
    """Return a page of types by slug and id."""
    sort = pages.by(block_types.c.slug, block_types.c.id)
    return await pages.read(work, _own_types(work), sort=sort, page=page, make=_type)


async def count_types(work: UnitOfWork, *, cap: int) -> int:
    """Return how many types there are, up to ``cap + 1``."""
    return await pages.count(work, _own_types(work), cap=cap)


async def insert_schema(
    work: UnitOfWork, *, id_: UUID, block_type_id: UUID, values: dict[str, Any]
) -> BlockSchema:
    """Store the next version of a locked type's schema."""
    newest = select(func.coalesce(func.max(block_schemas.c.number), 0)).where(
        block_schemas.c.workspace_id == work.workspace_id,
        block_schemas.c.block_type_id == block_type_id,
    )
    statement = (
        insert(block_schemas)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            block_type_id=block_type_id,
            number=newest.scalar_subquery() + 1,
            created_at=work.now,
            **values,
        )
        .returning(block_schemas)
    )
    return _schema((await work.execute(statement)).one())


async def find_schema(
    work: UnitOfWork, *, block_type_id: UUID, checksum: str | None = None
) -> BlockSchema | None:
    """Return the schema of a checksum, or a type's newest one."""
    statement = _schemas_of(work, block_type_id)
    if checksum is not None:
        statement = statement.where(block_schemas.c.checksum == checksum)
    newest = statement.order_by(block_schemas.c.number.desc()).limit(1)
    row = (await work.execute(newest)).one_or_none()
    return _schema(row) if row is not None else None


async def list_secret_paths(work: UnitOfWork, *, block_type_id: UUID) -> set[str]:
    """Return every path that is secret in one of a type's schemas."""
    own = _schemas_of(work, block_type_id).subquery()
    found = await work.execute(select(func.unnest(own.c.secret_paths)).distinct())
    return set(found.scalars())


async def get_many_newest(work: UnitOfWork, type_ids: Sequence[UUID]) -> dict[UUID, BlockSchema]:
    """Return the newest schema of each type; a type without any is absent."""
    newer = block_schemas.alias("newer")
    is_newer = (
        exists()
        .where(
            newer.c.workspace_id == block_schemas.c.workspace_id,
            newer.c.block_type_id == block_schemas.c.block_type_id,
            newer.c.number > block_schemas.c.number,
        )
        .correlate(block_schemas)
    )
    statement = select(block_schemas).where(
        block_schemas.c.workspace_id == work.workspace_id,
        block_schemas.c.block_type_id.in_(type_ids),
        ~is_newer,
    )
    return {row.block_type_id: _schema(row) for row in await work.execute(statement)}


async def get_many_schemas(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, BlockSchema]:
    """Return those of the schemas that exist, by id."""
    statement = select(block_schemas).where(
        block_schemas.c.workspace_id == work.workspace_id, block_schemas.c.id.in_(ids)
    )
    return {row.id: _schema(row) for row in await work.execute(statement)}


async def list_schemas(
    work: UnitOfWork, *, block_type_id: UUID, page: PageRequest
) -> Page[BlockSchema]:
    """Return a page of a type's schemas, the newest first."""
    sort = pages.Sort(columns=(block_schemas.c.number,), is_descending=True)
    statement = _schemas_of(work, block_type_id)
    return await pages.read(work, statement, sort=sort, page=page, make=_schema)


async def count_schemas(work: UnitOfWork, *, block_type_id: UUID, cap: int) -> int:
    """Return how many schemas a type has, up to ``cap + 1``."""
    return await pages.count(work, _schemas_of(work, block_type_id), cap=cap)


def _own_types(work: UnitOfWork) -> Select[Any]:
    return select(block_types).where(block_types.c.workspace_id == work.workspace_id)


def _schemas_of(work: UnitOfWork, block_type_id: UUID) -> Select[Any]:
    return select(block_schemas).where(
        block_schemas.c.workspace_id == work.workspace_id,
        block_schemas.c.block_type_id == block_type_id,
    )


def _type(row: Row[Any]) -> BlockType:
    return BlockType(
        workspace_id=row.workspace_id,
        id=row.id,
        slug=row.slug,
        name=row.name,
        logo_url=row.logo_url,
        documentation_url=row.documentation_url,
        description=row.description,
        code_example=row.code_example,
        version=row.version,
        updated_at=row.updated_at,
    )


def _schema(row: Row[Any]) -> BlockSchema:
    return BlockSchema(
        workspace_id=row.workspace_id,
        id=row.id,
        block_type_id=row.block_type_id,
        number=row.number,
        checksum=row.checksum,
        version_label=row.version_label,
        capabilities=tuple(row.capabilities),
        fields=row.fields,
        secret_paths=tuple(row.secret_paths),
        created_at=row.created_at,
    )
