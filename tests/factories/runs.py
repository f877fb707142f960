"""Runs and what belongs to them as rows, also of long ago, for tests of what deletes them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import new_id
from headgate_server.services import flows
from headgate_server.tables.events import events
from headgate_server.tables.flow_runs import (
    attempts,
    flow_run_cursors,
    flow_run_tags,
    flow_runs,
    logs,
    states,
    task_runs,
)
from headgate_server.tables.organizations import api_keys
from headgate_server.tables.pauses import run_inputs
from tests.factories.tenants import Tenant


def id_of(moment: datetime) -> UUID:
    """Return a UUIDv7 as it would have been made at a moment."""
    milliseconds = int(moment.timestamp() * 1000)
    rest = secrets.randbits(80) & ~(0xF << 76) | (7 << 76)
    rest = rest & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=(milliseconds << 80) | rest)


@dataclass(frozen=True, slots=True)
class Old:
    """How long ago a run began and ended, in days; one without an end is live."""

    began: float
    ended: float | None
    root_run_id: UUID | None = None
    lines: int = 3
    tasks: int = 2


async def make_old_run(database: Database, tenant: Tenant, old: Old) -> UUID:
    async with database.system(workspace_id=tenant.workspace_id) as work:
        began_at = work.now - timedelta(days=old.began)
        ended_at = None if old.ended is None else work.now - timedelta(days=old.ended)
        run_id = id_of(began_at)
        flow, _ = await flows.upsert_flow(work, name="flow")
        type_ = "RUNNING" if ended_at is None else "COMPLETED"
        await work.execute(
            insert(flow_runs).values(
                workspace_id=work.workspace_id,
                id=run_id,
                name="run",
                flow_id=flow.id,
                root_run_id=old.root_run_id,
                state_type=type_,
                state_name=type_.title(),
                state_timestamp=ended_at or began_at,
                state_sequence=1,
                attempt=1,
                expected_start=began_at,
                ended_at=ended_at,
                created_by_kind="system",
                created_by_name="Headgate",
            )
        )
        await _make_history(work, run_id, at=began_at, type_=type_)
        await insert_lines(work, run_id, count=old.lines)
        await insert_task_runs(work, run_id, count=old.tasks)
    return run_id


async def make_log_lines(database: Database, run: FlowRun, *, count: int) -> None:
    async with database.system(workspace_id=run.workspace_id) as work:
        await insert_lines(work, run.id, count=count)


async def make_task_runs(database: Database, run: FlowRun, *, count: int) -> None:
    async with database.system(workspace_id=run.workspace_id) as work:
        await insert_task_runs(work, run.id, count=count)


async def make_inputs(database: Database, tenant: Tenant, *, run_id: UUID, count: int) -> None:
    async with database.system(workspace_id=tenant.workspace_id) as work:
        await work.execute(
            insert(run_inputs),
            [
                {
                    "workspace_id": work.workspace_id,
                    "flow_run_id": run_id,
                    "sequence": number,
                    "keyset": "orders",
                    "message_id": str(number),
                    "payload": {},
                    "sent_by_kind": "system",
                    "sent_by_name": "Headgate",
                }
                for number in range(count)
            ],
        )


async def insert_lines(work: UnitOfWork, run_id: UUID, *, count: int) -> None:
    if count:
        await work.execute(
            insert(logs),
            [
                {
                    "workspace_id": work.workspace_id,
                    "flow_run_id": run_id,
                    "sequence": number,
                    "timestamp": work.now,
                    "level": 20,
                    "logger": "etl",
                    "message": "hello",
                }
                for number in range(count)
            ],
        )


async def insert_task_runs(work: UnitOfWork, run_id: UUID, *, count: int) -> None:
    if count:
        await work.execute(
            insert(task_runs),
            [
                {
                    "workspace_id": work.workspace_id,
                    "id": new_id(),
                    "flow_run_id": run_id,
                    "task_key": "extract",
                    "name": f"extract-{number}",
                    "attempt": 1,
                    "state_type": "COMPLETED",
                    "state_name": "Completed",
                    "states": [],
                    "state_count": 0,
                    "update_sequence": number,
                }
                for number in range(count)
            ],
        )


async def _make_history(work: UnitOfWork, run_id: UUID, *, at: datetime, type_: str) -> None:
    key = {"workspace_id": work.workspace_id, "flow_run_id": run_id}
    actor = {"actor_kind": "system", "actor_name": "Headgate"}
    await work.execute(
        insert(states).values(
            **key, **actor, sequence=1, type=type_, name=type_.title(), timestamp=at
        )
    )
    await work.execute(insert(attempts).values(**key, number=1, epoch=1, started_at=at))
    await work.execute(insert(flow_run_tags).values(**key, tag="old"))
    await work.execute(insert(flow_run_cursors).values(**key))


async def make_old_events(
    database: Database, tenant: Tenant, *, days_ago: float, count: int
) -> None:
    async with database.system(workspace_id=tenant.workspace_id) as work:
        await work.execute(
            insert(events),
            [
                {
                    "workspace_id": work.workspace_id,
                    "sequence": number + int(days_ago * 1_000_000),
                    "occurred_at": work.now - timedelta(days=days_ago),
                    "id": new_id(),
                    "name": "flow_run.created",
                    "resource_id": "run_x",
                    "resource": {},
                    "payload": {},
                }
                for number in range(count)
            ],
        )


async def make_pool_key(database: Database, tenant: Tenant, *, work_pool_id: UUID) -> None:
    async with database.system() as work:
        await work.execute(
            insert(api_keys).values(
                organization_id=tenant.organization_id,
                id=new_id(),
                kind="agent",
                name="agents",
                prefix="hg_",
                secret_hash=b"",
                owner_kind="system",
                owner_name="Headgate",
                workspace_id=tenant.workspace_id,
                work_pool_id=work_pool_id,
                scopes=["AGENTS_CONNECT"],
            )
        )
