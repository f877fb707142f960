"""Which way Postgres takes for the statements of a read, as the role of the application."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast
from uuid import UUID

from sqlalchemy import event

from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.domain.tenancy import SYSTEM, Principal
from tests.fixtures.plans import count, reading

Read = Callable[[UnitOfWork], Awaitable[object]]
Statement = tuple[str, tuple[Any, ...]]


async def print_plans(
    url: str, *, organization_id: UUID, workspace_id: UUID, reads: dict[str, Read]
) -> list[str]:
    """Print the nodes and the time of each statement of each read to standard error.

    Args:
        url: of the role of the application, which row-level security binds.
        organization_id: whose workspace.
        workspace_id: which.
        reads: what is read, by a name of its own.

    Returns:
        The growing tables that were scanned from end to end, with the read that did: none, one
        hopes.
    """
    engine = make_engine(url, application_name="headgate-plans", pool_size=2)
    database = Database(app=engine, system=engine)
    principal = Principal(SYSTEM, organization_id, None, OWNER_SCOPES)
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, text: str, given: Any, *_rest: object) -> None:
        seen.append((text, given))

    scanned: list[str] = []
    for name, read in reads.items():
        async with database.tenant(principal, workspace_id) as work:
            before = await count(work)
            event.listen(engine.sync_engine, "before_cursor_execute", note)
            await read(work)
            event.remove(engine.sync_engine, "before_cursor_execute", note)
            found = await reading(work, before)
            scanned += [f"{name}: {table}" for table in found.scanned]
            sys.stderr.write(f"{name}: {found.rows} rows read\n")
            for statement in seen:
                await _explain(work, statement)
        seen.clear()
    await database.dispose()
    return scanned


async def _explain(work: UnitOfWork, statement: Statement) -> None:
    text, given = statement
    # nosemgrep: statements-are-whole - a statement of the product's own
    explained = f"explain (analyze, format json) {text}"
    rows = await work.connection.exec_driver_sql(explained, cast("Any", given))
    (plan,) = rows.scalar_one()
    nodes = ", ".join(dict.fromkeys(_nodes(plan["Plan"])))
    sys.stderr.write(f"  {plan['Execution Time']:.1f} ms: {nodes}\n")


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    on = plan.get("Index Name") or plan.get("Relation Name") or plan.get("Function Name")
    if on:
        yield f"{plan['Node Type']} {on}"
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
