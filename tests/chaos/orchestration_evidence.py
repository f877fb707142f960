"""What is left behind of a play of limits, pauses, cancels and backfills, for its judge."""

import json
from typing import Any

from tests.chaos.evidence import gather, read_attempts, read_lines, shown
from tests.chaos.history import History
from tests.chaos.orchestration_rules import Asked, Filled, Left, Moved
from tests.chaos.terms import PLAYED
from tests.chaos.world import World

_STATES = """
select flow_run_id, sequence, type, name, details ->> 'pause' as pause,
  jsonb_exists(details, 'givesBack') as gives_back
from states order by flow_run_id, sequence
"""
_RUNS = """
select run.id, deployment.name from flow_runs run
join deployments deployment on deployment.id = run.deployment_id
"""
LEFTOVERS = """
select (select count(*) from work_items) as "work items",
  (select count(*) from concurrency_slots) as slots,
  (select count(*) from concurrency_waiters) as waiters,
  (select count(*) from pauses where status in ('WAITING', 'REQUESTED')) as pauses,
  (select count(*) from backfills where status = 'RUNNING') as backfills,
  (select count(*) from outbox) as events
"""
_BACKFILLS = """
select backfill.name, backfill.status, backfill.parallelism,
  array_agg(item.run_id order by item.position) as run_ids,
  array_agg(coalesce(item.outcome, item.status) order by item.position) as outcomes
from backfills backfill
join backfill_items item
  on item.workspace_id = backfill.workspace_id and item.backfill_id = backfill.id
group by backfill.id, backfill.name, backfill.status, backfill.parallelism
"""


async def read_left(world: World, history: History, *, began_at: float) -> Left:
    """Return all that the judge looks at."""
    rows = world.records.rows
    (leftovers,) = await rows(LEFTOVERS)
    executions = world.folder / "executions"
    return Left(
        evidence=await gather(
            world.records,
            calls=history.calls,
            executions=executions,
            began_at=began_at,
            terms=PLAYED,
            is_spared=False,
        ),
        calls=history.calls,
        lines=read_lines(executions),
        states=[
            Moved(
                shown(row["flow_run_id"]),
                row["sequence"],
                row["type"],
                row["name"],
                row["pause"] or "",
                row["gives_back"],
            )
            for row in await rows(_STATES)
        ],
        attempts=await read_attempts(rows),
        pauses=[
            Asked(shown(row["flow_run_id"]), row["key"], row["status"], _answer_of(row))
            for row in await rows("select flow_run_id, key, status, input from pauses")
        ],
        deployments={shown(row["id"]): row["name"] for row in await rows(_RUNS)},
        leftovers=dict(leftovers),
        backfills=[
            Filled(
                row["name"],
                row["status"],
                row["parallelism"],
                tuple(shown(id_) for id_ in row["run_ids"] if id_ is not None),
                tuple(row["outcomes"]),
            )
            for row in await rows(_BACKFILLS)
        ],
    )


def _answer_of(row: Any) -> str:
    given: dict[str, Any] = json.loads(row["input"]) if row["input"] else {}
    return str(given.get("value", ""))
