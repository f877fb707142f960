"""What of an organization is closed, and what goes with it: archived, suspended, swept away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import Kind
from headgate_server.domain.organizations import Closures
from headgate_server.domain.permissions import ceilings_of
from headgate_server.tables.organizations import api_keys, organizations, workspaces
from headgate_server.tables.registry import metadata
from headgate_server.tables.work_pools import work_pools


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of place that is swept away: its own table, and those whose rows it holds.

    Args:
        kind: what it is.
        own: its own row is here, and goes last.
        organization: names the place's organization in its own row.
        column: names the place in the tables.
        tables: those that refer to others come before them.
    """

    kind: Kind
    own: Table
    organization: str
    column: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """A place whose last row was deleted."""

    organization_id: UUID
    name: str


_FEET_FIRST = tuple(reversed(metadata.sorted_tables))
WORKSPACE = Place(
    Kind.WORKSPACE,
    workspaces,
    "organization_id",
    "workspace_id",
    tuple(
        table
        for table in _FEET_FIRST
        if "workspace_id" in table.c and not table.name.startswith("audit_")
    ),
)
ORGANIZATION = Place(
    Kind.ORGANIZATION,
    organizations,
    "id",
    "organization_id",
    tuple(
        table
        for table in _FEET_FIRST
        if "organization_id" in table.c
        and not table.name.startswith("audit_")
        and table.name not in {"login_sessions", "workspaces"}
    ),
)
"""What outlives both: the audit log. A login session is a person's."""


def closures_of(organization_id: Column[Any]) -> ColumnElement[Any]:
    """Return, as one JSON value, which of an organization's workspaces are archived or deleted.

    And why the organization is suspended, where it is. A part of the statement that authenticates,
    as ``grants_of`` is.
    """
    closed = (
        select(
            func.jsonb_agg(
                func.jsonb_build_array(workspaces.c.id, workspaces.c.deleted_at.is_not(None))
            )
        )
        .where(
            workspaces.c.organization_id == organization_id,
            or_(workspaces.c.archived_at.is_not(None), workspaces.c.deleted_at.is_not(None)),
        )
        .correlate(organization_id.table)
        .scalar_subquery()
    )
    return (
        select(
            func.jsonb_build_object(
                "workspaces",
                closed,
                "suspended",
                organizations.c.suspended_because,
                "networks",
                organizations.c.allowed_networks,
                "deleted",
                organizations.c.deleted_at.is_not(None),
            )
        )
        .where(organizations.c.id == organization_id)
        .correlate(organization_id.table)
        .scalar_subquery()
    )


def read_closures(found: Mapping[str, Any] | None) -> Closures:
    """Return the closures in what ``closures_of`` answered."""
    said = found or {}
    listed = said.get("workspaces") or ()
    return Closures(
        suspended_because=said.get("suspended"),
        is_deleted=bool(said.get("deleted")),
        networks=tuple(said.get("networks") or ()),
        ceilings=ceilings_of(
            archived=[UUID(id_) for id_, is_deleted in listed if not is_deleted],
            deleted=[UUID(id_) for id_, is_deleted in listed if is_deleted],
        ),
    )


async def close_workspace(
    work: UnitOfWork,
    *,
    id_: UUID,
    archived_at: datetime | None,
    is_stopped: bool = True,
    deleted_slug: str | None = None,
) -> None:
    """Archive a workspace, open it again, or delete it.

    Args:
        work: a unit of work of its organization.
        id_: which one.
        archived_at: since when it is archived; None opens it.
        is_stopped: whether nothing starts there.
        deleted_slug: what it is called from now on, so that its slug is free; None deletes nothing.
    """
    gone = {} if deleted_slug is None else {"slug": deleted_slug, "deleted_at": work.now}
    await work.execute(
        update(workspaces)
        .where(workspaces.c.organization_id == work.organization_id, workspaces.c.id == id_)
        .values(
            archived_at=archived_at,
            is_stopped=is_stopped,
            version=workspaces.c.version + 1,
            updated_at=work.now,
            **gone,
        )
    )


async def list_pools(work: UnitOfWork, workspace_ids: Sequence[UUID]) -> list[UUID]:
    """Return the work pools of workspaces."""
    rows = await work.execute(
        select(work_pools.c.id).where(work_pools.c.workspace_id.in_(workspace_ids))
    )
    return list(rows.scalars())


async def revoke_keys(work: UnitOfWork, *, workspace_id: UUID) -> list[UUID]:
    """Revoke the keys that are bound to a workspace, and return which."""
    rows = await work.execute(
        update(api_keys)
        .where(api_keys.c.workspace_id == workspace_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(api_keys.c.id)
    )
    return list(rows.scalars())


async def suspend(work: UnitOfWork, *, id_: UUID, because: str | None) -> list[UUID]:
    """Suspend an organization, or resume it, and return its workspaces that stop or start so."""
    is_suspended = because is not None
    await work.execute(
        update(organizations)
        .where(organizations.c.id == id_)
        .values(
            suspended_at=work.now if is_suspended else None,
            suspended_because=because,
            version=organizations.c.version + 1,
            updated_at=work.now,
        )
    )
    rows = await work.execute(
        update(workspaces)
        .where(
            workspaces.c.organization_id == id_,
            workspaces.c.archived_at.is_(None),
            workspaces.c.deleted_at.is_(None),
        )
        .values(is_stopped=is_suspended)
        .returning(workspaces.c.id)
    )
    return list(rows.scalars())


async def delete_organization(work: UnitOfWork, *, id_: UUID, deleted_slug: str) -> None:
    """Mark an organization and all its workspaces as deleted; its slug is free."""
    await work.execute(
        update(organizations)
        .where(organizations.c.id == id_)
        .values(slug=deleted_slug, deleted_at=work.now)
    )
    await work.execute(
        update(workspaces)
        .where(workspaces.c.organization_id == id_, workspaces.c.deleted_at.is_(None))
        .values(deleted_at=work.now, is_stopped=True)
    )


async def find_open(work: UnitOfWork, *, organization_id: UUID) -> str | None:
    """Return the slug of a workspace that is neither archived nor deleted."""
    rows = await work.execute(
        select(workspaces.c.slug)
        .where(
            workspaces.c.organization_id == organization_id,
            workspaces.c.archived_at.is_(None),
            workspaces.c.deleted_at.is_(None),
        )
        .order_by(workspaces.c.slug)
        .limit(1)
    )
    return rows.scalar_one_or_none()


async def list_deleted(work: UnitOfWork) -> list[UUID]:
    """Return the workspaces that are to be swept, the longest deleted first."""
    rows = await work.execute(
        select(workspaces.c.id)
        .where(workspaces.c.deleted_at.is_not(None))
        .order_by(workspaces.c.deleted_at)
    )
    return list(rows.scalars())


async def sweep_rows(work: UnitOfWork, place: Place, table: Table, *, id_: UUID, most: int) -> int:
    """Delete rows of a place from a table; how many."""
    key = tuple_(*table.primary_key.columns)
    chosen = select(*table.primary_key.columns).where(table.c[place.column] == id_).limit(most)
    done = await work.execute(delete(table).where(table.c[place.column] == id_, key.in_(chosen)))
    return done.rowcount


async def delete_place(work: UnitOfWork, place: Place, *, id_: UUID) -> Gone | None:
    """Delete the row of a place that nothing refers to any more; None where it is gone already."""
    own = place.own.c
    deleted = await work.execute(
        delete(place.own).where(own.id == id_).returning(own[place.organization], own.name)
    )
    row = deleted.one_or_none()
    return Gone(*row) if row is not None else None
