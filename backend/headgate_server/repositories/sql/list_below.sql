-- The next live runs below a run that its end concerns, of any depth: subflows in its process, and
-- runs that its tasks made. Those that are not over yet and are being cancelled already are left out
-- where they have an agent of their own, unless they would have longer than this gives them. Where
-- the run goes on by now, only what was there before.
with recursive below as (
  select child.id, child.root_run_id, child.state_type, child.state_timestamp
  from task_runs task
  join flow_runs child
    on child.workspace_id = task.workspace_id and child.parent_task_run_id = task.id
  where task.workspace_id = :workspace_id and task.flow_run_id = :run_id
  union
  select child.id, child.root_run_id, child.state_type, child.state_timestamp
  from below
  join task_runs task on task.workspace_id = :workspace_id and task.flow_run_id = below.id
  join flow_runs child
    on child.workspace_id = task.workspace_id and child.parent_task_run_id = task.id
), placed as (
  select *, coalesce(root_run_id = cast(:root_id as uuid), false) as is_in_process from below
)
select id, is_in_process
from placed
where state_type not in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
  and (
    is_in_process and cast(:is_process_over as boolean)
    or cast(:is_cancelled as boolean) and (
      state_type <> 'CANCELLING'
      or exists (
        select from work_items item
        where item.workspace_id = :workspace_id and item.run_id = placed.id
          and item.cancel_requested_at
            + make_interval(secs => coalesce(item.cancel_grace_seconds, 0))
            > cast(:ends_at as timestamptz)
      )
    )
  )
  and (cast(:is_over as boolean) or state_timestamp <= cast(:asked_at as timestamptz))
  and (cast(:after as uuid) is null or id > cast(:after as uuid))
order by id
limit :most
