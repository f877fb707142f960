"""Looks at the database: the server, the tables, and the work that they hold."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

from headgate_server.bus.high_water import Mark
from headgate_server.database.engine import MINIMUM_MINORS
from headgate_server.database.work import Database
from headgate_server.doctor.findings import Finding, error, warning, well
from headgate_server.domain.clock import SystemClock
from headgate_server.repositories.check_up import CheckUp, check_up
from headgate_server.services.generations import Stand
from headgate_server.services.load import Load, read_load
from headgate_server.settings import Timers

ASK_SECONDS = 20.0
SKEW_WARNING_SECONDS, SKEW_ERROR_SECONDS = 1.0, 30.0
DAYS_AHEAD_WARNING = 3
LONG_TRANSACTION_SECONDS = 600
CROWDED = 0.8
OUTBOX_WARNING_SECONDS = 60.0
SILENT_SWEEPS = 3


async def examine(database: Database, *, timers: Timers) -> list[Finding]:
    """Return what is found in a database that can be reached and is migrated."""
    clock = SystemClock()
    async with asyncio.timeout(ASK_SECONDS), database.glance() as work:
        load = await read_load(work, most_pools=1)
        asked_at = clock.now()
        found = await check_up(work)
        answered_at = clock.now()
    here = asked_at + (answered_at - asked_at) / 2
    return [*_server(found, here=here), *_tables(found), *_work(load, timers=timers)]


def history(stand: Stand | None, *, known: Mark | None) -> Finding:
    """Return whether the database was set back in time without a new generation.

    Args:
        stand: how far it has come; None on a standby.
        known: how far it is known to have come in its generation, read before that.
    """
    if stand is None or known is None:
        return well("history", "How far this generation of the database has come is not known.")
    if not known.is_beyond(stand.progress):
        return well("history", "The database was not set back since its generation began.")
    return error(
        "history",
        "The database was set back in time, and its generation is still the old one: sessions, "
        "tokens and leases from a time that it does not know are good.",
        remedy="Stop every API and scheduler, run `headgate-server migrate --new-generation`, and "
        "start them again; see the page on backup and restore.",
    )


def _server(found: CheckUp, *, here: datetime) -> Iterator[Finding]:
    yield well("database", f"Postgres {found.version}, at least {min(MINIMUM_MINORS)}.")
    skew = abs((found.clock - here).total_seconds())
    if skew < SKEW_WARNING_SECONDS:
        yield well("clock", f"This clock and the database's differ by {skew * 1000:.0f} ms.")
    else:
        tell = error if skew >= SKEW_ERROR_SECONDS else warning
        yield tell(
            "clock",
            f"This clock and the database's differ by {skew:.1f} s.",
            remedy="Run a time service on both machines. The database's clock decides about "
            "leases; this one dates log lines and tokens.",
        )
    if found.connections < CROWDED * found.connections_limit:
        yield well("connections", f"{found.connections} of {found.connections_limit} are in use.")
    else:
        yield warning(
            "connections",
            f"{found.connections} of {found.connections_limit} are in use.",
            remedy="Raise max_connections, lower HEADGATE_DATABASE_POOL_SIZE, or put PgBouncer "
            "before the database; each process uses up to twice the pool's size.",
        )
    if found.longest_transaction_seconds >= LONG_TRANSACTION_SECONDS:
        yield warning(
            "database",
            f"A transaction has been open for {found.longest_transaction_seconds / 60:.0f} min.",
            remedy="Look for it in pg_stat_activity by xact_start: while it lasts, no dead row of "
            "the hot tables can be removed.",
        )


def _tables(found: CheckUp) -> Iterator[Finding]:
    if found.open_tables:
        yield error(
            "tenants",
            f"No row-level security on {', '.join(found.open_tables)}.",
            remedy="Enable and force it as migration 0003 does; until then one wall of two is "
            "down between workspaces.",
        )
    else:
        yield well("tenants", "Row-level security is forced on every table of workspaces.")
    yield _partitions(found)
    if found.bloated_tables:
        yield warning(
            "bloat",
            f"More dead rows than live ones in {', '.join(found.bloated_tables)}.",
            remedy="See that autovacuum runs and that nothing holds an old snapshot (a long "
            "transaction, a replication slot); `vacuum (analyze)` the table once.",
        )
    else:
        yield well("bloat", "No table has more dead rows than live ones.")


def _partitions(found: CheckUp) -> Finding:
    if found.days_ahead < DAYS_AHEAD_WARNING and found.partition_holders:
        return warning(
            "partitions",
            f"There are partitions for {max(found.days_ahead, 0)} days ahead only, and the next "
            f"ones wait for {', '.join(found.partition_holders)}.",
            remedy="Let it end, or end it; a scheduler makes the partitions within a minute then.",
        )
    if found.has_strays:
        return warning(
            "partitions",
            "Rows have fallen into a default partition: their day had none.",
            remedy="Keep a scheduler running; the rows are read as any others, but retention "
            "deletes them one by one.",
        )
    if found.days_ahead < DAYS_AHEAD_WARNING:
        return warning(
            "partitions",
            f"There are partitions for {max(found.days_ahead, 0)} days ahead only.",
            remedy="Start `headgate-server scheduler`, which makes those of the next 14 days.",
        )
    return well("partitions", f"There are partitions for {found.days_ahead} days ahead.")


def _work(load: Load, *, timers: Timers) -> Iterator[Finding]:
    if load.tick_age_seconds <= max(SILENT_SWEEPS * timers.sweep_seconds, 30):
        yield well("scheduler", f"One came round {load.tick_age_seconds:.0f} s ago.")
    else:
        yield error(
            "scheduler",
            f"None has come round for {load.tick_age_seconds:.0f} s.",
            remedy="Start `headgate-server scheduler`: without one no schedule fires and no lost "
            "run is found. If one runs, read its log.",
        )
    online = load.sessions.get("ONLINE", 0)
    if online:
        yield well("agents", f"{online} are online.")
    else:
        yield warning(
            "agents",
            "None is online.",
            remedy="Start `headgate agent start --pool POOL` where the flows are to run.",
        )
    if load.late_runs:
        yield warning(
            "runs",
            f"{load.late_runs} wait beyond their threshold.",
            remedy="`headgate flow-runs list` shows them as Late, each with its cause.",
        )
    else:
        yield well("runs", "None is late.")
    if load.outbox_age_seconds < OUTBOX_WARNING_SECONDS:
        yield well("outbox", f"{load.outbox_size} events are to be published.")
    else:
        yield warning(
            "outbox",
            f"{load.outbox_size} events wait, the oldest for {load.outbox_age_seconds:.0f} s.",
            remedy="See that a scheduler runs and what its log says of the outbox loop.",
        )
