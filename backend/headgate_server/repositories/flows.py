"""Flows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.filters import FlowFilter
from headgate_server.domain.flows import Flow
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import filters, pages
from headgate_server.tables.flows import flows


async def insert_flow(work: UnitOfWork, *, id_: UUID, name: str) -> Flow | None:
    """Store a flow; None when the workspace has one of this name."""
    statement = (
        insert(flows)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            name=name,
            created_by_kind=work.actor.kind.value,
            created_by_id=work.actor.id,
            created_by_name=work.actor.display_name,
            created_at=work.now,
            updated_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "name"])
        .returning(flows)
    )
    row = (await work.execute(statement)).one_or_none()
    return _flow(row) if row is not None else None


async def find_by_name(work: UnitOfWork, *, name: str) -> Flow | None:
    """Return the flow of a name."""
    row = (await work.execute(_named(work, name))).one_or_none()
    return _flow(row) if row is not None else None


async def lock_flow(work: UnitOfWork, *, name: str) -> Flow | None:
    """Return the flow of a name and keep others from changing it until the transaction ends."""
    statement = _named(work, name).with_for_update(key_share=True)
    row = (await work.execute(statement)).one_or_none()
    return _flow(row) if row is not None else None


async def raise_version(work: UnitOfWork, *, id_: UUID) -> Flow:
    """Note that a locked flow has changed."""
    statement = (
        update(flows)
        .where(flows.c.workspace_id == work.workspace_id, flows.c.id == id_)
        .values(version=flows.c.version + 1, updated_at=work.now)
        .returning(flows)
    )
    return _flow((await work.execute(statement)).one())


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Flow]:
    """Return those of the flows that exist, by id."""
    statement = select(flows).where(flows.c.workspace_id == work.workspace_id, flows.c.id.in_(ids))
    return {row.id: _flow(row) for row in await work.execute(statement)}


async def list_flows(
    work: UnitOfWork, *, page: PageRequest, filter: FlowFilter | None
) -> Page[Flow]:
    """Return a page of flows by name and id."""
    sort = pages.by(flows.c.name, flows.c.id)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_flow)


async def count_flows(work: UnitOfWork, *, filter: FlowFilter | None, cap: int) -> int:
    """Return how many flows match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


def _named(work: UnitOfWork, name: str) -> Select[Any]:
    return select(flows).where(flows.c.workspace_id == work.workspace_id, flows.c.name == name)


def _matching(work: UnitOfWork, filter: FlowFilter | None) -> Select[Any]:
    conditions = filters.flows(filter, workspace_id=work.workspace_id)
    return select(flows).where(flows.c.workspace_id == work.workspace_id, *conditions)


def _flow(row: Row[Any]) -> Flow:
    return Flow(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        version=row.version,
        created_by=Actor(ActorKind(row.created_by_kind), row.created_by_id, row.created_by_name),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
