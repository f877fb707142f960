"""Many runs that wait, as rows: what a statement has to find its way through."""

from uuid import UUID

from sqlalchemy import text

from headgate_server.database.work import UnitOfWork

_RUNS = text("""
with made as (
  insert into flow_runs (
    workspace_id, id, name, flow_id, deployment_id, work_pool_id, work_queue_id, state_type,
    state_name, state_timestamp, state_sequence, attempt, expected_start, created_by_kind,
    created_by_name
  )
  select deployment.workspace_id, gen_random_uuid(), 'backlog', deployment.flow_id, deployment.id,
    queue.work_pool_id, queue.id, 'SCHEDULED', 'Scheduled', :now, 1, 0, :now, 'system', 'Headgate'
  from deployments deployment
  join work_queues queue on queue.id = :work_queue_id
  cross join generate_series(1, :count)
  where deployment.id = :deployment_id
  returning workspace_id, id, deployment_id, work_pool_id, work_queue_id
)
insert into work_items (
  workspace_id, run_id, work_pool_id, work_queue_id, deployment_id, queue_priority, priority,
  due_at, phase, late_threshold_ms, on_agent_lost, abandon_after_ms, fence_ms,
  infrastructure_retries
)
select made.workspace_id, made.id, made.work_pool_id, made.work_queue_id, made.deployment_id,
  queue.priority, 0, cast(:now as timestamptz) - interval '1 minute', 'READY', 15000, 'CRASH',
  600000, 600000, 3
from made join work_queues queue on queue.id = made.work_queue_id
""")


async def make_backlog(
    work: UnitOfWork, *, deployment_id: UUID, work_queue_id: UUID, count: int
) -> None:
    """Have so many runs of a deployment wait in a queue, due a minute ago."""
    await work.execute(
        _RUNS,
        {
            "deployment_id": deployment_id,
            "work_queue_id": work_queue_id,
            "count": count,
            "now": work.now,
        },
    )
    await work.execute(text("analyze work_items"))
