-- Locks runs that ended long ago, but for those in other hands and those that a live run started.
select run.id
from flow_runs run
where run.workspace_id = cast(:workspace_id as uuid)
  and run.expected_start < :before and run.ended_at < :before
  and not exists (
    select from flow_runs root
    where root.workspace_id = run.workspace_id and root.id = run.root_run_id
      and root.ended_at is null
  )
  and not exists (
    select from task_runs task
    join flow_runs parent
      on parent.workspace_id = task.workspace_id and parent.id = task.flow_run_id
    where task.workspace_id = run.workspace_id and task.id = run.parent_task_run_id
      and parent.ended_at is null
  )
order by run.expected_start, run.id
limit :most
for update of run skip locked
