"""Many runs that have ended, as rows: what pages have to find their way through."""

from uuid import UUID

from sqlalchemy import text

from headgate_server.database.work import UnitOfWork
from tests.factories.deployments import Deployed

_RUNS = text("""
insert into flow_runs (
  workspace_id, id, name, flow_id, deployment_id, work_pool_id, work_queue_id, state_type,
  state_name, state_timestamp, state_sequence, attempt, expected_start, started_at, ended_at,
  created_by_kind, created_by_name, created_at
)
select :workspace_id, gen_random_uuid(), 'past', :flow_id, :deployment_id, :work_pool_id,
  :work_queue_id,
  case when number % 10 = 0 then 'FAILED' else 'COMPLETED' end,
  case when number % 10 = 0 then 'Failed' else 'Completed' end,
  due_at, 3, 1, due_at, due_at, due_at + number * interval '1 second', 'system', 'Headgate',
  due_at
from generate_series(1, cast(:count as integer)) as number,
  lateral (select cast(:now as timestamptz) - number * interval '1 minute' as due_at) as moment
""")
_MARK = text("""
insert into stale_run_hours (workspace_id, hour)
select distinct workspace_id, date_trunc('hour', expected_start) from flow_runs
where workspace_id = :workspace_id
on conflict do nothing
""")
_TASKS = text("""
insert into task_runs (
  workspace_id, id, flow_run_id, task_key, name, attempt, state_type, state_name, states,
  state_count, update_sequence, started_at, ended_at
)
select :workspace_id, gen_random_uuid(), :flow_run_id, 'task-' || number % cast(:keys as integer),
  'task-' || number, 1,
  case when number % 10 = 0 then 'FAILED' else 'COMPLETED' end,
  case when number % 10 = 0 then 'Failed' else 'Completed' end,
  '[]', 0, number + 1,
  cast(:now as timestamptz) + number * interval '1 second',
  cast(:now as timestamptz) + (number + 5) * interval '1 second'
from generate_series(0, cast(:count as integer) - 1) as number
""")


async def make_past_runs(work: UnitOfWork, deployed: Deployed, *, count: int) -> None:
    """Make runs that were due 1, 2, … minutes ago and took 1, 2, … seconds; each tenth failed."""
    await work.execute(
        _RUNS,
        {
            "workspace_id": work.workspace_id,
            "flow_id": deployed.flow_id,
            "deployment_id": deployed.deployment_id,
            "work_pool_id": deployed.work_pool_id,
            "work_queue_id": deployed.work_queue_id,
            "count": count,
            "now": work.now,
        },
    )
    await work.execute(_MARK, {"workspace_id": work.workspace_id})
    await work.execute(text("analyze flow_runs"))


async def make_past_tasks(
    work: UnitOfWork, flow_run_id: UUID, *, count: int, keys: int = 10
) -> None:
    """Make task runs that began 0, 1, … seconds from now on and took 5; each tenth failed."""
    await work.execute(
        _TASKS,
        {
            "workspace_id": work.workspace_id,
            "flow_run_id": flow_run_id,
            "count": count,
            "keys": keys,
            "now": work.now,
        },
    )
    await work.execute(text("analyze task_runs"))
