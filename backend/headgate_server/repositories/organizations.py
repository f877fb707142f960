"""Organizations."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.organizations import Organization, Overview
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.support_grants import SupportAccess
from headgate_server.repositories import pages
from headgate_server.tables.members import memberships
from headgate_server.tables.organizations import organization_slugs, organizations, workspaces


def own(work: UnitOfWork, column: Column[Any]) -> ColumnElement[bool]:
    """Return the condition that a row is of the unit of work's organization.

    It always holds for the system, which has none.
    """
    return true() if work.organization_id is None else column == work.organization_id


async def insert_organization(
    work: UnitOfWork, *, id_: UUID, slug: str, name: str
) -> Organization | None:
    """Store an organization; None when the slug is taken, or was another one's."""
    is_taken = select(literal(1)).where(organization_slugs.c.slug == slug)
    if (await work.execute(is_taken)).one_or_none() is not None:
        return None
    statement = (
        insert(organizations)
        .values(id=id_, slug=slug, name=name, created_at=work.now, updated_at=work.now)
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(organizations)
    )
    row = (await work.execute(statement)).one_or_none()
    if row is None or not await _claim_slug(work, id_=id_, slug=slug):
        return None
    return _organization(row)


async def find_organization(work: UnitOfWork, *, id_: UUID) -> Organization | None:
    """Return an organization the unit of work may see."""
    row = (await work.execute(_own(work).where(organizations.c.id == id_))).one_or_none()
    return _organization(row) if row is not None else None


async def find_open(work: UnitOfWork, *, id_: UUID) -> Organization | None:
    """Return an organization the unit of work may see, unless it is deleted."""
    statement = _own(work).where(organizations.c.id == id_, organizations.c.deleted_at.is_(None))
    row = (await work.execute(statement)).one_or_none()
    return _organization(row) if row is not None else None


async def lock_organization(work: UnitOfWork, *, id_: UUID) -> Organization | None:
    """Return an organization and keep others from changing it until the end of the transaction."""
    statement = _own(work).where(organizations.c.id == id_).with_for_update(key_share=True)
    row = (await work.execute(statement)).one_or_none()
    return _organization(row) if row is not None else None


async def is_suspended(work: UnitOfWork, *, id_: UUID) -> bool:
    """Whether an organization is suspended; that stays so until the end of the transaction."""
    statement = select(organizations.c.suspended_at.is_not(None)).where(organizations.c.id == id_)
    found = await work.execute(statement.with_for_update(read=True))
    return bool(found.scalar_one_or_none())


async def update_organization(
    work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]
) -> Organization | None:
    """Write changed columns of a locked organization; None when the slug is or was another one's.

    Its former slug stays its own.
    """
    if "slug" in changes:
        former = select(organizations.c.slug).where(organizations.c.id == id_)
        await _claim_slug(work, id_=id_, slug=(await work.execute(former)).scalar_one())
        if not await _claim_slug(work, id_=id_, slug=changes["slug"]):
            return None
    statement = (
        update(organizations)
        .where(own(work, organizations.c.id), organizations.c.id == id_)
        .values(**changes, version=organizations.c.version + 1, updated_at=work.now)
        .returning(organizations)
    )
    try:
        async with work.connection.begin_nested():
            return _organization((await work.execute(statement)).one())
    except IntegrityError:
        return None


async def find_by_slug(work: UnitOfWork, *, slug: str) -> Organization | None:
    """Return the organization that has a slug, or had it, if the unit of work may see it."""
    is_now = (organizations.c.slug == slug).desc()
    statement = _own(work).where(is_called(slug)).order_by(is_now).limit(1)
    row = (await work.execute(statement)).one_or_none()
    return _organization(row) if row is not None else None


async def count_slugs(work: UnitOfWork, *, id_: UUID) -> int:
    """Return how many slugs an organization has and had."""
    statement = select(func.count()).where(organization_slugs.c.organization_id == id_)
    return int((await work.execute(statement)).scalar_one())


def is_called(slug: str) -> ColumnElement[bool]:
    """Return the condition that an organization has a slug, or had it before it was renamed."""
    known = select(organization_slugs.c.organization_id).where(organization_slugs.c.slug == slug)
    return or_(organizations.c.slug == slug, organizations.c.id.in_(known))


async def free_slugs(work: UnitOfWork, *, id_: UUID) -> None:
    """Let others have the slugs that an organization had; as the system."""
    await work.execute(
        delete(organization_slugs).where(organization_slugs.c.organization_id == id_)
    )


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Organization]:
    """Return those of the organizations that exist and may be seen, by id."""
    rows = await work.execute(_own(work).where(organizations.c.id.in_(ids)))
    return {row.id: _organization(row) for row in rows}


async def list_organizations(work: UnitOfWork, *, page: PageRequest) -> Page[Organization]:
    """Return a page of the organizations that may be seen, by slug and id."""
    sort = pages.by(organizations.c.slug, organizations.c.id)
    return await pages.read(work, _own(work), sort=sort, page=page, make=_organization)


async def list_of_person(work: UnitOfWork, *, user_id: UUID) -> list[Organization]:
    """Return the organizations that a person belongs to, by slug; as the system."""
    statement = (
        _own(work)
        .join(memberships, memberships.c.organization_id == organizations.c.id)
        .where(memberships.c.user_id == user_id, organizations.c.deleted_at.is_(None))
        .order_by(organizations.c.slug)
    )
    return [_organization(row) for row in await work.execute(statement)]


async def list_overviews(work: UnitOfWork, *, page: PageRequest) -> Page[Overview]:
    """Return a page of all organizations as their operators see them, by slug and id."""
    members = (
        select(func.count())
        .where(memberships.c.organization_id == organizations.c.id)
        .scalar_subquery()
    )
    places = (
        select(func.count())
        .where(
            workspaces.c.organization_id == organizations.c.id, workspaces.c.deleted_at.is_(None)
        )
        .scalar_subquery()
    )
    statement = select(
        organizations, members.label("member_count"), places.label("workspace_count")
    ).where(organizations.c.deleted_at.is_(None))
    sort = pages.by(organizations.c.slug, organizations.c.id)
    return await pages.read(work, statement, sort=sort, page=page, make=_overview)


async def count_organizations(work: UnitOfWork, *, cap: int) -> int:
    """Return how many organizations may be seen, up to ``cap + 1``."""
    return await pages.count(work, _own(work), cap=cap)


async def list_deleted(work: UnitOfWork) -> list[UUID]:
    """Return the organizations that are to be swept and have no workspace left."""
    left = select(workspaces.c.id).where(workspaces.c.organization_id == organizations.c.id)
    rows = await work.execute(
        select(organizations.c.id).where(organizations.c.deleted_at.is_not(None), ~left.exists())
    )
    return list(rows.scalars())


def _overview(row: Row[Any]) -> Overview:
    return Overview(
        organization=_organization(row),
        created_at=row.created_at,
        member_count=row.member_count,
        workspace_count=row.workspace_count,
    )


async def _claim_slug(work: UnitOfWork, *, id_: UUID, slug: str) -> bool:
    """Note that a slug is an organization's; whether it is, and no other one's."""
    statement = (
        insert(organization_slugs)
        .values(organization_id=id_, slug=slug)
        .on_conflict_do_nothing(index_elements=["slug"])
    )
    await work.execute(statement)
    mine = select(literal(1)).where(
        organization_slugs.c.organization_id == id_, organization_slugs.c.slug == slug
    )
    return (await work.execute(mine)).one_or_none() is not None


def _own(work: UnitOfWork) -> Select[Any]:
    return select(organizations).where(
        own(work, organizations.c.id), organizations.c.deleted_at.is_(None)
    )


def _organization(row: Row[Any]) -> Organization:
    return Organization(
        id=row.id,
        slug=row.slug,
        name=row.name,
        version=row.version,
        updated_at=row.updated_at,
        suspended_at=row.suspended_at,
        suspended_because=row.suspended_because,
        allowed_networks=tuple(row.allowed_networks),
        support_access=SupportAccess(row.support_access),
        requires_second_factor=row.requires_second_factor,
    )
