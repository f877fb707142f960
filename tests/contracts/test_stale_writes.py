"""What a holder writes whose lease has gone to another: refused, all of it, and without a trace.

Every mutation is tried that a run may call or that shows a lease, out of the requests of the
tenancy matrix, after the epochs of all runs went up, as they do when a lease is taken away.
STALE_WRITES is how many writes there are at least, one of each unless given.
"""

import asyncio
import os
from collections import Counter
from typing import Any

import orjson
import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.contracts.tenancy_cells import Cell
from tests.contracts.test_run_tokens import field_of, table
from tests.contracts.test_tenancy_matrix import REQUESTED, has_succeeded
from tests.factories.estates import Estate, make_estate
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

WRITES = int(os.environ.get("STALE_WRITES", "1"))
LEAST = 40
AT_ONCE = 4
READS = frozenset({"agentPoll"})
MUTATIONS = tuple(
    cell for cell in REQUESTED if cell.name.startswith("Mutation.") and field_of(cell) not in READS
)
OF_CALLS = frozenset({"usage_deltas", "api_keys", "agent_sessions"})
"""Where it is noted that somebody called, whatever came of it."""
TABLES = """
select string_agg(c.relname, ',' order by c.relname) from pg_class c
where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
"""


async def digest(urls: DatabaseUrls) -> dict[str, str]:
    """Return a sum of each table's rows."""
    names = [name for name in (await query(urls.owner, TABLES)).split(",") if name not in OF_CALLS]
    sums = [
        f"'{name}', (select md5(string_agg(t::text, '' order by t::text)) from {name} t)"  # noqa: S608  of the catalogue
        for name in names
    ]
    parts = [", ".join(sums[start : start + 40]) for start in range(0, len(sums), 40)]
    found: dict[str, str] = {}
    for part in parts:
        found |= orjson.loads(await query(urls.owner, f"select json_build_object({part})::text"))
    return found


def shows_lease(variables: dict[str, Any], estate: Estate) -> bool:
    """Whether a request names the lease of a run that is held."""
    said = orjson.dumps(variables).decode()
    return any(lease["leaseToken"] in said for lease in (estate.own_run["lease"], estate.offer))


def stale(estate: Estate) -> list[tuple[Cell, str]]:
    """Return what to try, and as whom: the run itself, and whoever shows the run's lease."""
    of_runs = table()
    tried = [(cell, "run") for cell in MUTATIONS if field_of(cell) in of_runs]
    for cell in MUTATIONS:
        caller = next((one for one in cell.callers if one in {"agent", "bound"}), None)
        _, variables = cell.build(estate, cell.own(estate))
        if caller is not None and shows_lease(variables, estate):
            tried.append((cell, caller))
    return tried


async def test_nothing_is_written_under_an_epoch_of_before(
    installation: Installation, urls: DatabaseUrls
) -> None:
    estate = await make_estate(installation)
    await query(urls.owner, "update work_items set epoch = epoch + 1 where token is not null")
    tried = stale(estate)
    before = await digest(urls)
    codes: Counter[str] = Counter()
    accepted: list[str] = []
    turns = asyncio.Semaphore(AT_ONCE)

    async def attempt(cell: Cell, caller: str) -> None:
        document, variables = cell.build(estate, cell.own(estate))
        async with turns:
            answer = await estate.client(caller).execute(document, **variables)
        if has_succeeded(answer.json):
            accepted.append(f"{cell.name} as {caller}")
        codes[code_of(answer.json)] += 1

    for _ in range(-(-WRITES // len(tried))):
        await asyncio.gather(*(attempt(cell, caller) for cell, caller in tried))

    assert accepted == []
    assert {field_of(cell) for cell, _ in tried} >= {
        "flowRunSetState", "taskRunSync", "logsAppend", "runRenew", "runClaim", "runDecline",
        "runRelease", "agentHeartbeat", "artifactCreate", "concurrencyAcquire",
    }  # fmt: skip
    assert set(codes) == {"UNAUTHENTICATED", "LEASE_LOST"}
    assert sum(codes.values()) >= max(WRITES, LEAST)
    after = await digest(urls)
    assert [name for name, was in before.items() if after[name] != was] == []


def code_of(answer: dict[str, Any]) -> str:
    """Return how a call was refused."""
    if answer.get("errors"):
        return answer["errors"][0]["extensions"]["code"]
    (payload,) = answer["data"].values()
    if payload.get("errors"):
        return payload["errors"][0]["code"]
    verdicts = payload.get("leases") or [payload.get("verdict")]
    return "LEASE_LOST" if verdicts == [{"outcome": "LOST"}] else f"none: {payload}"
