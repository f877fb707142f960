"""What organizations store beside runs and logs: sampled, and counted for the quota."""

from random import Random

import pytest
from sqlalchemy import LargeBinary, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from headgate_server.domain.ids import new_id
from headgate_server.domain.quotas import QuotaKind
from headgate_server.loops import stored_sizes as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories import stored_sizes as stored
from headgate_server.services import quotas, variables
from headgate_server.settings import Timers
from headgate_server.tables.metadata import metadata
from headgate_server.tables.quotas import stored_sizes
from headgate_server.tables.variables import variables as rows
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

VALUE = Random(4).randbytes(5_000).hex()  # noqa: S311  a text like any other
"""So random that Postgres cannot compress it below half."""


async def sizes(world: World) -> dict[str, int]:
    await loop.run_once(LoopContext(world.database, world.bus, Timers()))
    async with world.system() as work:
        rows = await work.execute(
            select(stored_sizes).where(
                stored_sizes.c.organization_id == world.tenant.organization_id
            )
        )
        return {row.kind: row.size_bytes for row in rows}


async def used(world: World) -> int:
    async with world.work() as work:
        found = await quotas.list_quotas(work, organization_id=world.tenant.organization_id)
    return next(one.used for one in found if one.kind is QuotaKind.STORED_BYTES)


async def test_variables_and_the_audit_log_are_stored_bytes(world: World) -> None:
    before = await used(world)
    async with world.work() as work:
        made, _ = await variables.set_variable(work, name="large", value=VALUE)
    found = await sizes(world)
    after = await used(world)
    async with world.work() as work:
        await variables.delete_variable(work, id_=made.id)
    left = await sizes(world)

    assert 5_000 <= found["variables"] <= 11_000
    assert found["variable_versions"] >= 5_000
    assert found["audit_entries"] > 100
    assert after - before == sum(found.values())
    assert "variables" not in left


async def test_runs_states_and_task_runs_of_a_run_are_sampled(world: World) -> None:
    await world.started()

    found = await sizes(world)

    assert found["states"] >= 3 * stored.ROW_BYTES


async def test_large_table_is_sampled_and_what_it_stands_for_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.system() as work:
        await work.execute(
            insert(rows),
            [
                {
                    "workspace_id": world.tenant.workspace_id,
                    "id": new_id(),
                    "name": f"v{number}",
                    "value": VALUE[number : number + 1_500],
                }
                for number in range(400)
            ],
        )
    whole = (await sizes(world))["variables"]
    monkeypatch.setattr(stored, "MOST_PAGES", 40)

    sampled = [(await sizes(world))["variables"] for _ in range(5)]

    assert len(set(sampled)) > 1
    assert 0.4 * whole < sum(sampled) / len(sampled) < 1.6 * whole


COUNTED_ELSEWHERE = {
    "flow_runs": "their inputs, when they are created",
    "logs": "when they are taken in",
    "log_chunks": "as the logs that they hold",
    "background_task_logs": "when they are taken in",
    "outbox": "becomes events within a second",
}
SMALL = """agent_sessions agents api_keys artifact_keys attempts audit_checkpoints audit_heads
  audit_queue audit_seals backfills block_references cli_logins concurrency_limits concurrency_slots
  concurrency_waiters deployment_tags emitted_events flow_run_cursors flow_run_tags flow_tags flows
  invitations login_sessions memberships object_counts object_deltas organization_slugs
  quota_warnings quotas role_bindings roles run_counts run_ends schedule_fires service_accounts
  sla_rules sla_violations stale_run_hours stored_sizes support_grants task_workers team_members
  teams ungrouped_failures usage_days usage_deltas variable_tags work_items work_queues
  workspace_keys workspaces"""
"""Names, links and numbers, a bounded few of each row; most of them are limited in number."""

BOUNDED = {
    "labels": "of agents that are connected",
    "log_streams": "positions",
    "grants": "what an invitation gives",
    "wrapped": "a key",
    **dict.fromkeys(("public_key", "signature"), "of a checkpoint"),
}


def test_every_table_of_tenants_is_counted_or_said_to_be_small() -> None:
    of_tenants = {
        name
        for name, table in metadata.tables.items()
        if {"workspace_id", "organization_id"} & set(table.c.keys())
    }
    sampled = {table.name for table in stored.SAMPLED}

    assert sampled | set(COUNTED_ELSEWHERE) | set(SMALL.split()) >= of_tenants
    assert not sampled & (set(COUNTED_ELSEWHERE) | set(SMALL.split()))
    for name in SMALL.split():
        wide = [
            column.name
            for column in metadata.tables[name].c
            if isinstance(column.type, JSONB | LargeBinary)
            and column.name not in BOUNDED
            and not column.name.endswith("hash")
        ]
        assert not wide, f"{name} holds values: {wide}"
