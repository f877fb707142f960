"""Finds what runs of limited deployments may be offered: the limits' room, under their locks."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.statements import named
from headgate_server.tables.flows import deployments


@dataclass(frozen=True, slots=True)
class DeploymentRoom:
    """How many runs of a deployment may be offered, from one queue that they wait in."""

    queue_id: UUID
    deployment_id: UUID
    room: int


async def deployment_rooms(
    work: UnitOfWork, *, queue_ids: Collection[UUID]
) -> list[DeploymentRoom]:
    """Return the room of the limited deployments that have runs due in some queues.

    One statement where all of them are full. Else those with room stay locked until the
    transaction ends: two replicas together never pass a limit.
    """
    found = (
        await work.execute(
            named("list_limited"),
            {"workspace_id": work.workspace_id, "queue_ids": list(queue_ids), "now": work.now},
        )
    ).all()
    if not found:
        return []
    ids = sorted({row.deployment_id for row in found})
    await work.execute(
        select(deployments.c.id)
        .where(deployments.c.workspace_id == work.workspace_id, deployments.c.id.in_(ids))
        .order_by(deployments.c.id)
        .with_for_update(key_share=True)
    )
    rows = await work.execute(named("read_rooms"), {"workspace_id": work.workspace_id, "ids": ids})
    room = {row.id: row.room for row in rows}
    return [
        DeploymentRoom(row.work_queue_id, row.deployment_id, room[row.deployment_id])
        for row in found
        if room.get(row.deployment_id, 0) > 0
    ]
