-- The live runs below a run, of any depth: subflows in its process, and runs that its tasks made.
with recursive below as (
  select child.id, child.root_run_id, child.state_type
  from task_runs task
  join flow_runs child
    on child.workspace_id = task.workspace_id and child.parent_task_run_id = task.id
  where task.workspace_id = :workspace_id and task.flow_run_id = :run_id
  union
  select child.id, child.root_run_id, child.state_type
  from below
  join task_runs task on task.workspace_id = :workspace_id and task.flow_run_id = below.id
  join flow_runs child
    on child.workspace_id = task.workspace_id and child.parent_task_run_id = task.id
)
select id, coalesce(root_run_id = cast(:root_id as uuid), false) as is_in_process
from below
where state_type not in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
  and (cast(:is_over as boolean) or state_type <> 'CANCELLING')
order by id
limit :most
