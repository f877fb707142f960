-- Notes of runs that are over or being cancelled that this has to reach what is below them. Those
-- that nothing is below are left out.
insert into run_ends (
  workspace_id, id, run_id, is_cancelled, process_end, grace_seconds, asked_at, due_at
)
select
  cast(:workspace_id as uuid), gen_random_uuid(), ended.run_id, ended.is_cancelled, ended.process_end,
  ended.grace_seconds, cast(:now as timestamptz) + (clock_timestamp() - now()), :now
from jsonb_to_recordset(cast(:ends as jsonb)) as ended(
  run_id uuid, is_cancelled boolean, process_end text, grace_seconds bigint
)
where exists (
  select from task_runs task
  join flow_runs child
    on child.workspace_id = task.workspace_id and child.parent_task_run_id = task.id
  where task.workspace_id = cast(:workspace_id as uuid) and task.flow_run_id = ended.run_id
)
returning run_id
