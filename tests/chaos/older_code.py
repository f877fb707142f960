"""What code of an earlier release does with its database, by role, table by table.

The statements name the columns that there were when they were read from the catalogue, as code does
that was written then. ``Load`` goes on with them in transactions of the application, bound to a
tenant under its walls, and of the system; it notes how long each took and which of them failed.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import bind_tenant
from tests.factories.tenants import Tenant

CLIENTS = {"app": 5, "system": 3}
MOST_STATEMENTS = 4
REST_SECONDS = 0.005
REPORT_SECONDS = (0.4, 1.2)
"""How long a report holds what it has read: longer than a migration waits for a lock."""

_TABLES = text("""
select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns,
  array_agg(a.attname::text) filter (where a.attidentity = 'a') as counted,
  array_agg(a.attname::text) filter (
    where has_column_privilege(c.oid, a.attnum, 'select')) as read,
  bool_and(has_column_privilege(c.oid, a.attnum, 'insert')) as can_insert,
  bool_and(has_column_privilege(c.oid, a.attnum, 'update')) as can_update,
  (select array_agg(k.attname::text) from pg_index i
    join pg_attribute k on k.attrelid = c.oid and k.attnum = any(i.indkey)
    where i.indrelid = c.oid and i.indisprimary) as keys
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and c.relname not in ('alembic_version', 'control_plane')
group by c.oid order by c.relname
""")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the older code."""

    table: str
    verb: str
    sql: str


@dataclass
class Tally:
    """What came of the statements: when each began, how long it took, and what failed."""

    statements: list[tuple[float, float, Statement]] = field(
        default_factory=list[tuple[float, float, Statement]]
    )
    errors: list[str] = field(default_factory=list[str])

    def longest(self, *, since: float, until: float) -> tuple[float, str]:
        """Return the longest of the statements that were under way then, and what it was."""
        slow, what = max(
            (took, f"{one.verb} {one.table}")
            for began, took, one in self.statements
            if began <= until and began + took >= since
        )
        return slow, what


def quoted(names: Sequence[str]) -> str:
    """Return a list of columns."""
    return ", ".join(f'"{name}"' for name in names)


def _of_table(row: Any) -> list[Statement]:
    """Return what a role may do with one table."""
    name = row.name
    if not row.read:
        return []
    given = [column for column in row.columns if column not in (row.counted or ())]
    is_owned = not {"workspace_id", "organization_id"}.isdisjoint(row.columns)
    made = {"id": "gen_random_uuid()"} if is_owned and "id" in row.keys else {}
    fresh = ", ".join(made.get(column, f'"{column}"') for column in given)
    verbs = {"select": f"select {quoted(row.read)} from {name} limit 20"}  # noqa: S608 - of the catalogue
    if row.can_update:
        verbs["update"] = (
            f'update {name} set "{given[0]}" = "{given[0]}" '  # noqa: S608  names of the catalogue
            f"where ctid = (select ctid from {name} limit 1)"
        )
    if row.can_insert:
        verbs["insert"] = (
            f"insert into {name} ({quoted(given)}) select {fresh} from {name} "  # noqa: S608  names of the catalogue
            "limit 1 on conflict do nothing"
        )
    return [Statement(name, verb, sql) for verb, sql in verbs.items()]


class Load:
    """Clients of both roles that go on until they are told to stop."""

    def __init__(self, urls: DatabaseUrls, tenant: Tenant, *, seed: int) -> None:
        self.tally = Tally()
        self._tenant = tenant
        self._chance = random.Random(seed)  # noqa: S311  no secret
        self._engines = {
            role: make_engine(url, application_name="older", pool_size=CLIENTS[role] + 1)
            for role, url in (("app", urls.app), ("system", urls.system))
        }
        self._until = asyncio.Event()
        self.known: dict[str, list[Statement]] = {}

    async def look(self) -> None:
        """Read from the catalogue what each role may do: this is the older code."""
        for role, engine in self._engines.items():
            async with engine.connect() as connection:
                rows = (await connection.execute(_TABLES)).all()
            self.known[role] = [one for row in rows for one in _of_table(row)]

    def stop(self) -> None:
        """Let every client end what it is at."""
        self._until.set()

    async def run(self) -> None:
        """Go on until ``stop``."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for role, engine in self._engines.items():
                    for _ in range(CLIENTS[role]):
                        tasks.create_task(self._work(role, engine))
                    tasks.create_task(self._report(role, engine))
        finally:
            for engine in self._engines.values():
                await engine.dispose()

    async def _work(self, role: str, engine: AsyncEngine) -> None:
        while not self._until.is_set():
            # In the order of tables, as code does that locks in one order.
            chosen = self._chance.sample(self.known[role], self._chance.randint(1, MOST_STATEMENTS))
            await self._transaction(role, engine, sorted(chosen, key=lambda one: one.table))
            await asyncio.sleep(REST_SECONDS)

    async def _report(self, role: str, engine: AsyncEngine) -> None:
        """Read, and stay in the transaction for a while, as an export does."""
        reads = [one for one in self.known[role] if one.verb == "select"]
        while not self._until.is_set():
            chosen = self._chance.sample(reads, 3)
            held = self._chance.uniform(*REPORT_SECONDS)
            await self._transaction(role, engine, chosen, held_seconds=held)

    async def _transaction(
        self,
        role: str,
        engine: AsyncEngine,
        statements: Sequence[Statement],
        *,
        held_seconds: float = 0.0,
    ) -> None:
        tenant = self._tenant
        what = f"connect as {role}"
        try:
            async with engine.connect() as connection:
                if role == "app":
                    place = (tenant.workspace_id, tenant.organization_id, tenant.owner.actor.id)
                    await bind_tenant(connection, *place)
                for one in statements:
                    what = f"{one.verb} {one.table} as {role}"
                    began = time.monotonic()
                    await connection.execute(text(one.sql))
                    self.tally.statements.append((began, time.monotonic() - began, one))
                if held_seconds:
                    await asyncio.sleep(held_seconds)
                await connection.commit()
        except (DBAPIError, TimeoutError, OSError) as error:
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            self.tally.errors.append(f"{what}: {cause}")
