"""Tags as rows: those of flows, deployments and variables are read and replaced in the same way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, delete, select
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.tables.flows import deployment_tags, flow_tags
from headgate_server.tables.variables import variable_tags


@dataclass(frozen=True, slots=True)
class TagTable:
    """A table of tags and the column that names their owner."""

    table: Table
    owner: Column[Any]


OF_FLOWS = TagTable(flow_tags, flow_tags.c.flow_id)
OF_DEPLOYMENTS = TagTable(deployment_tags, deployment_tags.c.deployment_id)
OF_VARIABLES = TagTable(variable_tags, variable_tags.c.variable_id)


async def get_many_tags(
    work: UnitOfWork, ids: Sequence[UUID], *, of: TagTable
) -> dict[UUID, tuple[str, ...]]:
    """Return the sorted tags of each owner; an owner without any is absent."""
    statement = (
        select(of.owner.label("owner_id"), of.table.c.tag)
        .where(of.table.c.workspace_id == work.workspace_id, of.owner.in_(ids))
        .order_by(of.table.c.tag)
    )
    found: dict[UUID, list[str]] = {}
    for row in await work.execute(statement):
        found.setdefault(row.owner_id, []).append(row.tag)
    return {owner_id: tuple(sorted(tags)) for owner_id, tags in found.items()}


async def replace_tags(
    work: UnitOfWork, *, owner_id: UUID, tags: Sequence[str], of: TagTable
) -> bool:
    """Make these the tags of an owner whose row is locked; say whether that changed anything."""
    current = set((await get_many_tags(work, [owner_id], of=of)).get(owner_id, ()))
    surplus, missing = current - set(tags), set(tags) - current
    if surplus:
        await work.execute(
            delete(of.table).where(
                of.table.c.workspace_id == work.workspace_id,
                of.owner == owner_id,
                of.table.c.tag.in_(surplus),
            )
        )
    if missing:
        rows = [
            {"workspace_id": work.workspace_id, of.owner.name: owner_id, "tag": tag}
            for tag in sorted(missing)
        ]
        await work.execute(insert(of.table).values(rows).on_conflict_do_nothing())
    return bool(surplus or missing)
