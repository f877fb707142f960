"""Bloat: a day of runs through the hot table as fast as it goes, with a snapshot held and without.

``work_items`` sees an insert, an offer, a claim, a start and a delete for every run. What matters
is that it does not grow with the number of runs that went through it, and that a claim stays quick.
BLOAT_CYCLES=43200 is a whole day of 50 runs a second.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg

from headgate_server.database.migrate import upgrade
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.databases import SECRET_KEY
from tests.load.figures import Figure

FIGURES = ("bloat_work_items_growth", "bloat_dead_ratio", "bloat_claim", "bloat_claim_held")
CYCLES = int(os.environ.get("BLOAT_CYCLES", "300"))
BATCH = 100
LIVE = 2_000
AUTOVACUUM_SECONDS = 15
"""What it has not come round to by then, with nothing else to do, is bloat."""
SETTINGS = {"autovacuum_naptime": "1s", "synchronous_commit": "off"}

_PREPARE = """
alter table work_items drop constraint fk_work_items_flow_runs;
alter table work_items disable row level security;
insert into work_items (workspace_id, run_id, work_pool_id, work_queue_id, queue_priority, priority,
  due_at, phase, late_threshold_ms, on_agent_lost, abandon_after_ms, fence_ms,
  infrastructure_retries)
select gen_random_uuid(), gen_random_uuid(), null, null, 10, 0, now() + interval '1 day', 'READY',
  15000, 'CRASH', 600000, 600000, 3
from generate_series(1, $1)
"""
_INSERT = """
insert into work_items (workspace_id, run_id, queue_priority, priority, due_at, phase,
  late_threshold_ms, on_agent_lost, abandon_after_ms, fence_ms, infrastructure_retries, late_due_at)
select $1, gen_random_uuid(), 10, 0, now() - interval '1 hour', 'READY', 15000, 'CRASH', 600000,
  600000, 3, now()
from generate_series(1, $2)
"""
_CLAIM = """
with ready as (
  select workspace_id, run_id from work_items
  where work_pool_id is null and phase = 'READY' and not is_held and due_at <= now()
  order by queue_priority, priority desc, due_at, run_id limit 10 for update skip locked
)
update work_items item set phase = 'OFFERED', token = gen_random_uuid(), epoch = epoch + 1,
  fence_until = now() + interval '15 seconds', offered_at = now()
from ready where item.workspace_id = ready.workspace_id and item.run_id = ready.run_id
"""
_START = """
update work_items set phase = 'RUNNING', last_seen_at = now(),
  fence_until = now() + interval '10 minutes' where workspace_id = $1 and phase = 'OFFERED'
"""
_FINISH = "delete from work_items where workspace_id = $1 and phase = 'RUNNING'"
_SIZE = "select pg_relation_size('work_items')"
_DEAD = """
select coalesce(n_dead_tup::float / nullif(n_live_tup + n_dead_tup, 0), 0)
from pg_stat_user_tables where relname = 'work_items'
"""


def measure() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="headgate-bloat-"))
    try:
        yield from asyncio.run(_measure(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(folder: Path) -> list[Figure]:
    async with EmbeddedServices(folder, postgres_settings=SETTINGS) as services:
        urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        connection, holder = await _connect(urls.owner), await _connect(urls.owner)
        for statement in _PREPARE.split(";")[:2]:
            await connection.execute(statement)
        await connection.execute(_PREPARE.split(";")[2], LIVE)
        await _churn(connection, cycles=20)
        steady = await connection.fetchval(_SIZE)
        claims = await _churn(connection, cycles=CYCLES)
        growth = await connection.fetchval(_SIZE) / steady
        dead = await _settled(connection)
        await holder.execute("begin isolation level repeatable read")
        await holder.execute("select count(*) from work_items")
        held = await _churn(connection, cycles=CYCLES // 3)
        await holder.execute("rollback")
        await connection.close()
        await holder.close()
    return [
        Figure("bloat_work_items_growth", "times the steady size", [growth]),
        Figure("bloat_dead_ratio", "of all rows", [dead]),
        Figure("bloat_claim", "s", claims),
        Figure("bloat_claim_held", "s", held),
    ]


async def _settled(connection: Any) -> float:
    """Return the share of dead rows once it stops to fall, or when time is up."""
    ratio = 1.0
    for _ in range(AUTOVACUUM_SECONDS):
        await asyncio.sleep(1)
        ratio = await connection.fetchval(_DEAD)
        if ratio < 0.02:
            break
    return ratio


async def _connect(url: str) -> Any:
    return cast("Any", await asyncpg.connect(url))  # pyright: ignore[reportUnknownMemberType] - it ships no types


async def _churn(connection: Any, *, cycles: int) -> list[float]:
    """Send so many batches of runs through the table; how long each claim took."""
    workspace_id = await connection.fetchval("select gen_random_uuid()")
    claims: list[float] = []
    for _ in range(cycles):
        await connection.execute(_INSERT, workspace_id, BATCH)
        for _ in range(BATCH // 10):
            began = time.perf_counter()
            await connection.execute(_CLAIM)
            claims.append(time.perf_counter() - began)
        await connection.execute(_START, workspace_id)
        await connection.execute(_FINISH, workspace_id)
    return claims
