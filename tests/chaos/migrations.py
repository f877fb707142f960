"""Migrations under load: ``python -m tests.chaos.migrations [--seed N] [--runs N]``.

A database of an earlier release, full of runs, is migrated to the newest while the older code goes
on reading and writing: no statement of it may fail, and none may wait for longer than a second.
Prints one JSON line; answers 1 where one did.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import asyncpg

from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls, on_database
from headgate_server.embedded.services import EmbeddedServices
from tests.chaos.older_code import Load, quoted
from tests.factories.estates import make_estate
from tests.factories.tenants import Tenant
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import replica
from tests.fixtures.sql import query

NAME = "migrations"
OLDER = "0013"
RUNS = 100_000
MOST_STALL_SECONDS = 1.0
CALM_SECONDS = 3.0
FEWEST_STATEMENTS = 200
FEWEST_TABLES = 20
LONGEST_SECONDS = 120
LATER = frozenset({"alembic_version", "block_secrets"})
"""Tables without rows in the older release: the version, and what only later code writes."""

_COLUMNS = """
select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
group by c.oid order by c.relname
"""


async def connect(url: str) -> Any:
    """Open a connection of our own."""
    connecting = asyncpg.connect(url, timeout=10)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - it ships no types
    return await cast("Any", connecting)


async def fill(newest: DatabaseUrls, older: DatabaseUrls) -> int:
    """Copy what a tenant has in the newest tables to the older ones; how many have rows."""
    source, target = await connect(newest.owner), await connect(older.owner)
    filled = 0
    try:
        await target.execute("set session_replication_role = replica")
        for row in await target.fetch(_COLUMNS):
            name, columns = row["name"], quoted(row["columns"])
            if name in LATER:
                continue
            rows = await source.fetchval(f"select json_agg(one) from {name} one")  # noqa: S608  names of the catalogue
            await target.execute(
                f"insert into {name} ({columns}) overriding system value select {columns} "  # noqa: S608  names of the catalogue
                f"from json_populate_recordset(null::{name}, $1) on conflict do nothing",
                rows or "[]",
            )
            filled += await target.fetchval(f"select count(*) > 0 from {name}")  # noqa: S608  names of the catalogue
    finally:
        await source.close()
        await target.close()
    return filled


async def multiply(older: DatabaseUrls, *, workspace_id: str, runs: int) -> None:
    """Copy a run that has ended, with a state of its own each time, so many times."""
    connection = await connect(older.owner)
    try:
        rows = await connection.fetch(_COLUMNS)
        columns = {row["name"]: row["columns"] for row in rows}
        made = {"id": "gen_random_uuid()", "idempotency_key": "null"}
        given = ", ".join(made.get(name, f'run."{name}"') for name in columns["flow_runs"])
        await connection.execute(
            f"insert into flow_runs ({quoted(columns['flow_runs'])}) select {given} from ("  # noqa: S608  names of the catalogue
            f"select * from flow_runs where workspace_id = '{workspace_id}' "
            f"and ended_at is not null limit 1) run, generate_series(1, {runs})"
        )
        state = {"flow_run_id": "run.id"}
        given = ", ".join(state.get(name, f'state."{name}"') for name in columns["states"])
        await connection.execute(
            f"insert into states ({quoted(columns['states'])}) select {given} from flow_runs run, ("  # noqa: S608  names of the catalogue
            f"select * from states where workspace_id = '{workspace_id}' limit 1) state "
            f"where run.workspace_id = '{workspace_id}' and run.ended_at is not null "
            "on conflict do nothing"
        )
        await connection.execute("analyze")
    finally:
        await connection.close()


async def make_older(
    services: EmbeddedServices, *, runs: int
) -> tuple[DatabaseUrls, Tenant, dict[str, int]]:
    """Return a full database of the older release, and one of its tenants."""
    newest = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
    async with replica(newest, services.redis_url) as installation:
        estate = await make_estate(installation)
    await query(services.postgres_url, "create database older")
    owner = on_database(services.postgres_url, "older")
    older = await upgrade(owner, secret_key=SECRET_KEY, revision=OLDER)
    tables = await fill(newest, older)
    await multiply(older, workspace_id=str(estate.tenant.workspace_id), runs=runs)
    count = await query(older.owner, "select count(*) from flow_runs")
    return older, estate.tenant, {"tables": tables, "runs": count}


async def migrate(urls: DatabaseUrls) -> tuple[int, str]:
    """Migrate as an operator does; the exit code and what was said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headgate_server", "migrate",
        env={
            **os.environ,
            "HEADGATE_OWNER_DATABASE_URL": urls.owner,
            "HEADGATE_SECRET_KEY": SECRET_KEY,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(LONGEST_SECONDS):
        _, said = await process.communicate()
    lines = said.decode(errors="replace").strip().splitlines()
    return process.returncode or 0, lines[-1] if lines else ""


async def measure(folder: Path, *, seed: int, runs: int) -> dict[str, Any]:
    """Fill a database of the older release, migrate it under load, and look."""
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(folder / "services", postgres_settings={"fsync": "off"})
        await stack.enter_async_context(services)
        older, tenant, size = await make_older(services, runs=runs)
        load = Load(older, tenant, seed=seed)
        await load.look()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run())
            calm_at = time.monotonic()
            await asyncio.sleep(CALM_SECONDS)
            began_at = time.monotonic()
            try:
                code, said = await migrate(older)
                ended_at = time.monotonic()
                await _go_on(load)
            finally:
                load.stop()
        tally = load.tally
        usual, _ = tally.longest(since=calm_at, until=began_at)
        stall, where = tally.longest(since=began_at, until=ended_at)
        return {
            **size,
            "from": OLDER,
            "to": await query(older.owner, "select version_num from alembic_version"),
            "migration_s": round(ended_at - began_at, 2),
            "exit_code": code,
            **({"said": said} if code else {}),
            "statements": len(tally.statements),
            "meanwhile": sum(began_at <= at <= ended_at for at, _, _ in tally.statements),
            "usual_stall_s": round(usual, 3),
            "longest_stall_s": round(stall, 3),
            "longest": where,
            "errors": dict(Counter(tally.errors).most_common(5)),
        }


async def _go_on(load: Load) -> None:
    """Return once every statement of the older code could have met the newest tables."""
    enough = len(load.tally.statements) + 10 * sum(map(len, load.known.values()))
    await eventually(
        lambda: len(load.tally.statements) >= enough,
        within_seconds=LONGEST_SECONDS,
        what="Work on the newest tables",
    )


def is_well(found: dict[str, Any], *, runs: int) -> bool:
    """Whether every promise was kept, and there was something to keep."""
    return (
        found["exit_code"] == 0
        and found["to"] > found["from"]
        and not found["errors"]
        and found["longest_stall_s"] <= MOST_STALL_SECONDS
        and found["meanwhile"] >= FEWEST_STATEMENTS
        and found["tables"] >= FEWEST_TABLES
        and found["runs"] >= runs
    )


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.migrations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="headgate-migrations-"))
    folder.chmod(0o755)
    try:
        found = asyncio.run(measure(folder, seed=given.seed, runs=given.runs))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    line = {"scenario": NAME, "seed": given.seed, **found}
    line["is_well"] = is_well(found, runs=given.runs)
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if line["is_well"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
