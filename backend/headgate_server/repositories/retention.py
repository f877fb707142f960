"""What is kept no longer: deleted in small batches, or dropped by whole days.

Rows go children first, so that no batch is larger than its limit; nobody is waited for longer than
100 ms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, exists, func, or_, select, text, tuple_

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories import artifacts
from headgate_server.repositories.statements import named
from headgate_server.tables.backfills import backfill_items, backfills
from headgate_server.tables.events import events
from headgate_server.tables.failure_groups import (
    failure_groups,
    failures,
    ungrouped_failures,
)
from headgate_server.tables.flow_runs import (
    attempts,
    flow_run_cursors,
    flow_run_tags,
    flow_runs,
    log_chunks,
    logs,
    states,
    task_runs,
)
from headgate_server.tables.flows import schedule_fires, schedules
from headgate_server.tables.pauses import pauses, run_inputs
from headgate_server.tables.sla_rules import sla_violations
from headgate_server.tables.work_pools import agent_sessions, agents, work_items

_WAIT_SHORTLY = text("set local lock_timeout = '100ms'")
_BY_INDEX = text("set local enable_seqscan = off")
_LOCK_PARTITION = text("select lock_old_partition(:name)")
_DROP_PARTITION = text("select drop_old_partition(:name)")
_DAY = timedelta(days=1)
CHILDREN: tuple[tuple[Table, str], ...] = (
    (logs, "sequence"),
    (log_chunks, "first_sequence"),
    (states, "sequence"),
    (task_runs, "id"),
    (attempts, "number"),
    (flow_run_tags, "tag"),
    (failures, "sequence"),
    (ungrouped_failures, "sequence"),
    (run_inputs, "sequence"),
    (pauses, "key"),
)
"""What a run may have many of, with the column that tells them apart within the run."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long a workspace keeps what."""

    workspace_id: UUID
    runs: timedelta
    logs: timedelta
    events: timedelta


@dataclass(frozen=True, slots=True)
class OldPartition:
    """A whole day of a table that no workspace keeps."""

    name: str
    parent: str

    @property
    def day(self) -> str:
        """Return the day, as in the name."""
        return self.name.rpartition("_")[2]


async def wait_briefly(work: UnitOfWork) -> None:
    """Let no statement of this transaction wait longer than 100 ms for a lock."""
    await work.execute(_WAIT_SHORTLY)


async def list_expired(work: UnitOfWork) -> list[Kept]:
    """Return the workspaces that hold more than they keep, in one query.

    By indexes: the planner expects to find something old soon, and mostly there is nothing.
    """
    await work.execute(_BY_INDEX)
    rows = await work.execute(named("list_expired"), {"now": work.now})
    return [
        Kept(
            row.workspace_id,
            runs=row.runs_kept_days * _DAY,
            logs=row.logs_kept_days * _DAY,
            events=row.events_kept_days * _DAY,
        )
        for row in rows
    ]


async def lock_expired_runs(work: UnitOfWork, *, before: datetime, most: int) -> list[UUID]:
    """Return runs that ended before a time and that nobody else holds, oldest first."""
    parameters = {"workspace_id": work.workspace_id, "before": before, "most": most}
    return list((await work.execute(named("lock_expired_runs"), parameters)).scalars())


async def delete_children(work: UnitOfWork, run_ids: Sequence[UUID], *, most: int) -> int:
    """Delete up to so many rows that belong to locked runs, and return how many.

    What is the latest artifact of its key stays: people look at it whenever they like.
    """
    deleted = 0
    for table, part in CHILDREN:
        key = tuple_(table.c.flow_run_id, table.c[part])
        some = (
            select(table.c.flow_run_id, table.c[part])
            .where(table.c.workspace_id == work.workspace_id, table.c.flow_run_id.in_(run_ids))
            .limit(most - deleted)
        )
        result = await work.execute(
            delete(table).where(
                table.c.workspace_id == work.workspace_id,
                table.c.flow_run_id.in_(run_ids),
                key.in_(some),
            )
        )
        deleted += result.rowcount
        if deleted >= most:
            return deleted
    return deleted + await artifacts.delete_stale(work, run_ids, most=most - deleted)


async def delete_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> int:
    """Delete locked runs without children and their ledger entries; how many rows went."""
    deleted = 0
    for table, column in (
        (schedule_fires, schedule_fires.c.run_id),
        (flow_run_cursors, flow_run_cursors.c.flow_run_id),
        (flow_runs, flow_runs.c.id),
    ):
        result = await work.execute(
            delete(table).where(table.c.workspace_id == work.workspace_id, column.in_(run_ids))
        )
        deleted += result.rowcount
    return deleted


async def delete_logs(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete lines of runs that ended before a time, oldest first, and return how many.

    What is known of the words in them goes behind them.
    """
    deleted = await _delete_logs(work, logs, logs.c.sequence, before=before, most=most)
    if deleted:
        return deleted
    number = log_chunks.c.first_sequence
    return await _delete_logs(work, log_chunks, number, before=before, most=most)


async def _delete_logs(
    work: UnitOfWork, table: Table, number: Any, *, before: datetime, most: int
) -> int:
    run_id = table.c.flow_run_id
    is_needed = exists().where(
        flow_runs.c.workspace_id == work.workspace_id,
        flow_runs.c.id == run_id,
        or_(flow_runs.c.ended_at.is_(None), flow_runs.c.ended_at >= before),
    )
    some = (
        select(run_id, number)
        .where(
            table.c.workspace_id == work.workspace_id,
            run_id < func.uuid_floor(before),
            ~is_needed,
        )
        .order_by(run_id, number)
        .limit(most)
    )
    return await _delete(work, table, run_id, number, some=some)


async def delete_events(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete events from before a time, oldest first, and return how many.

    The workspace keeps the highest number that went and before which none is kept, so that a stream
    knows what it missed. What was told late goes sooner than what came before it.
    """
    some = (
        select(events.c.occurred_at, events.c.sequence)
        .where(events.c.workspace_id == work.workspace_id, events.c.occurred_at < before)
        .order_by(events.c.occurred_at, events.c.sequence)
        .limit(most)
    )
    deleted = await work.execute(
        delete(events)
        .where(
            events.c.workspace_id == work.workspace_id,
            tuple_(events.c.occurred_at, events.c.sequence).in_(some),
        )
        .returning(events.c.sequence)
    )
    numbers = deleted.scalars().all()
    if numbers:
        await work.execute(
            named("note_deleted_events"), {"workspace_id": work.workspace_id, "numbers": numbers}
        )
    return len(numbers)


async def delete_skipped_fires(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete skipped instants from before a time that their schedules have passed; how many."""
    fire = schedule_fires.c
    is_passed = exists().where(
        schedules.c.workspace_id == fire.workspace_id,
        schedules.c.id == fire.schedule_id,
        or_(schedules.c.next_fire_at.is_(None), schedules.c.next_fire_at > fire.fire_at),
    )
    some = (
        select(fire.schedule_id, fire.fire_at)
        .where(
            fire.workspace_id == work.workspace_id,
            fire.run_id.is_(None),
            fire.fire_at < before,
            is_passed,
        )
        .limit(most)
    )
    return await _delete(work, schedule_fires, fire.schedule_id, fire.fire_at, some=some)


async def delete_failure_groups(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete groups that were seen last before a time and whose runs are all gone; how many."""
    group = failure_groups.c
    has_failures = exists().where(
        failures.c.workspace_id == group.workspace_id, failures.c.group_id == group.id
    )
    some = (
        select(group.id)
        .where(group.workspace_id == work.workspace_id, group.last_seen_at < before, ~has_failures)
        .limit(most)
    )
    return await _delete(work, failure_groups, group.id, some=some)


async def delete_backfills(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete backfills that ended before a time, their items first; how many rows went."""
    item = backfill_items.c
    ended = select(backfills.c.id).where(
        backfills.c.workspace_id == work.workspace_id, backfills.c.ended_at < before
    )
    of_ended = (
        select(item.backfill_id, item.position)
        .where(item.workspace_id == work.workspace_id, item.backfill_id.in_(ended))
        .limit(most)
    )
    deleted = await _delete(work, backfill_items, item.backfill_id, item.position, some=of_ended)
    if deleted:
        return deleted
    return await _delete(work, backfills, backfills.c.id, some=ended.limit(most))


async def delete_violations(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete violations of SLA rules that ended before a time, and return how many."""
    own = sla_violations.c
    some = (
        select(own.id)
        .where(
            own.workspace_id == work.workspace_id,
            own.violated_at < before,
            own.ended_at < before,
        )
        .limit(most)
    )
    return await _delete(work, sla_violations, own.id, some=some)


async def delete_sessions(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete sessions of agents that ended before a time and hold nothing; how many.

    Where there are none, agents that have no session left.
    """
    own = agent_sessions.c
    holds = exists().where(
        work_items.c.workspace_id == own.workspace_id, work_items.c.session_id == own.id
    )
    some = (
        select(own.id)
        .where(
            own.workspace_id == work.workspace_id,
            own.id < func.uuid_floor(before),
            own.ended_at < before,
            ~holds,
        )
        .order_by(own.id)
        .limit(most)
    )
    deleted = await _delete(work, agent_sessions, own.id, some=some)
    return deleted or await _delete_agents(work, before=before, most=most)


async def _delete_agents(work: UnitOfWork, *, before: datetime, most: int) -> int:
    agent = agents.c
    is_needed = exists().where(
        agent_sessions.c.workspace_id == agent.workspace_id, agent_sessions.c.agent_id == agent.id
    )
    old = (
        select(agent.id)
        .where(agent.workspace_id == work.workspace_id, agent.created_at < before, ~is_needed)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    locked = (await work.execute(old)).scalars().all()
    # Looked at once more under the lock: who registers it anew holds that, and begins a session.
    some = select(agent.id).where(agent.id.in_(locked), ~is_needed)
    return await _delete(work, agents, agent.id, some=some) if locked else 0


async def list_old_partitions(work: UnitOfWork) -> list[OldPartition]:
    """Return whole days that lie behind what every workspace keeps, oldest first."""
    rows = await work.execute(named("list_old_partitions"), {"now": work.now})
    return [OldPartition(row.child, row.parent) for row in rows]


async def is_needed(work: UnitOfWork, partition: OldPartition) -> bool:
    """Whether a run is still there, or has not ended, that needs what a partition holds."""
    if partition.parent == "events":
        return False
    parameters = {"parent": partition.parent, "day": partition.day, "now": work.now}
    found = await work.execute(named("is_partition_needed"), parameters)
    return bool(found.scalar_one())


async def note_dropped_events(work: UnitOfWork, partition: OldPartition) -> None:
    """Let each workspace keep how far its events are gone with a day that is to be dropped."""
    await work.execute(
        named("note_dropped_events"), {"parent": partition.parent, "day": partition.day}
    )


async def lock_partition(work: UnitOfWork, partition: OldPartition) -> None:
    """Keep everybody from a partition until the end of the transaction."""
    await work.execute(_LOCK_PARTITION, {"name": partition.name})


async def drop_partition(work: UnitOfWork, partition: OldPartition) -> None:
    """Drop a locked partition."""
    await work.execute(_DROP_PARTITION, {"name": partition.name})


async def _delete(work: UnitOfWork, table: Table, *key: Any, some: Any) -> int:
    result = await work.execute(
        delete(table).where(table.c.workspace_id == work.workspace_id, tuple_(*key).in_(some))
    )
    return result.rowcount
