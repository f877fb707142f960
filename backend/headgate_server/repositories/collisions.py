"""What is there of a limited deployment's runs as one more becomes due."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.collisions import Crowd, DueRun
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.leases import Phase
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import deployments
from headgate_server.tables.work_pools import work_items

_ITEM = work_items.c


@dataclass(frozen=True, slots=True)
class Rules:
    """A locked deployment's limit, and what follows where it is used up."""

    deployment_id: UUID
    limit: int
    policy: CollisionPolicy
    parameter: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """Runs that schedules or people planned, and that are due now, of one deployment."""

    workspace_id: UUID
    deployment_id: UUID
    runs: tuple[DueRun, ...]


async def lock_rules(work: UnitOfWork, deployment_ids: Collection[UUID]) -> list[Rules]:
    """Return the limits of those deployments that have one, locked until the transaction ends.

    Two who make runs of one deployment are judged one after the other.
    """
    rows = await work.execute(
        select(
            deployments.c.id,
            deployments.c.concurrency_limit,
            deployments.c.on_collision,
            deployments.c.collision_parameter,
        )
        .where(
            deployments.c.workspace_id == work.workspace_id,
            deployments.c.id.in_(deployment_ids),
            deployments.c.concurrency_limit.is_not(None),
        )
        .order_by(deployments.c.id)
        .with_for_update(key_share=True)
    )
    return [
        Rules(
            row.id,
            row.concurrency_limit,
            CollisionPolicy(row.on_collision),
            row.collision_parameter,
        )
        for row in rows
    ]


async def read_crowd(work: UnitOfWork, rules: Rules, new: Sequence[DueRun], *, most: int) -> Crowd:
    """Return what is there besides the runs that are judged: one statement.

    Args:
        work: the unit of work, which has locked the deployment.
        rules: of the deployment.
        new: the runs that are judged.
        most: how many waiting ones are read at most.
    """
    is_replacing = rules.policy is CollisionPolicy.CANCEL_OLD
    is_coalescing = rules.policy is CollisionPolicy.COALESCE
    keys = {run.key or "" for run in new if is_coalescing}
    rows = (
        await work.execute(
            named("read_crowd"),
            {
                "deployment_id": rules.deployment_id,
                "new_ids": [run.run_id for run in new],
                "now": work.now,
                "most": most if is_replacing else min(max(rules.limit, 1), most),
                "keys": sorted(keys),
            },
        )
    ).all()
    return Crowd(
        held=[row.run_id for row in rows if row.what == "held"],
        ahead=[row.run_id for row in rows if row.what == "ahead"],
        patient=frozenset(row.run_id for row in rows if row.is_patient),
        waiting={row.key: row.run_id for row in rows if row.what == "waiting"},
    )


async def list_due(work: UnitOfWork, *, most: int) -> list[Due]:
    """Return planned runs whose time has come and that nobody has judged, by deployment."""
    rows = await work.execute(
        select(
            _ITEM.workspace_id,
            _ITEM.deployment_id,
            _ITEM.run_id,
            _ITEM.due_at,
            _ITEM.collision_key,
            _is_of_backfill().label("is_patient"),
        )
        .where(
            _ITEM.phase == Phase.READY,
            _ITEM.collides_at.is_not(None),
            _ITEM.collides_at <= work.now,
        )
        .order_by(_ITEM.collides_at, _ITEM.run_id)
        .limit(most)
    )
    found: dict[tuple[UUID, UUID], list[DueRun]] = {}
    for row in rows:
        run = DueRun(row.run_id, row.due_at, row.collision_key, row.is_patient)
        found.setdefault((row.workspace_id, row.deployment_id), []).append(run)
    return [Due(*place, tuple(runs)) for place, runs in found.items()]


def _is_of_backfill() -> ColumnElement[bool]:
    """Whether the run of an item waits for room whatever the policy does with others."""
    run = flow_runs.c
    kind = select(run.triggered_by["type"].astext).where(run.id == _ITEM.run_id)
    return kind.scalar_subquery().is_not_distinct_from("backfill")


async def read_parameter(
    work: UnitOfWork, run_ids: Collection[UUID], *, parameter: str
) -> dict[UUID, dict[str, Any]]:
    """Return what runs are called with, by their ids, and of that one parameter alone."""
    run = flow_runs.c
    rows = await work.execute(
        select(run.id, run.parameters[parameter].label("value")).where(
            run.workspace_id == work.workspace_id, run.id.in_(run_ids)
        )
    )
    return {row.id: {parameter: row.value} for row in rows}


async def keep_keys(work: UnitOfWork, keys: Mapping[UUID, str]) -> None:
    """Keep under which keys runs wait that were made before their deployment coalesced any."""
    await work.execute(
        named("keep_collision_keys"),
        {"workspace_id": work.workspace_id, "run_ids": list(keys), "keys": list(keys.values())},
    )


async def settle(work: UnitOfWork, run_ids: Collection[UUID]) -> set[UUID]:
    """Note that runs are judged; those of them that nobody had taken up, and nobody judged yet.

    The runs are locked before their items, as by all who change them, and in the order of ids: who
    changes one of them just then and who judges it never wait for each other in a circle.
    """
    run = flow_runs.c
    await work.execute(
        select(run.id)
        .where(run.workspace_id == work.workspace_id, run.id.in_(run_ids))
        .order_by(run.id)
        .with_for_update()
    )
    rows = await work.execute(
        update(work_items)
        .where(
            _ITEM.workspace_id == work.workspace_id,
            _ITEM.run_id.in_(run_ids),
            _ITEM.phase == Phase.READY,
            _ITEM.collides_at.is_not(None),
        )
        .values(collides_at=None)
        .returning(_ITEM.run_id)
    )
    return set(rows.scalars())
