-- Ends the task runs that processes of runs have left unfinished, each with one more state. They
-- are numbered among the changes of their run, as reported ones are.
with ending as (
  select * from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    flow_run_id uuid, state_type text, state_name text, message text
  )
), unfinished as (
  select task.id, ending.*
  from ending
  join task_runs task
    on task.workspace_id = cast(:workspace_id as uuid) and task.flow_run_id = ending.flow_run_id
  where task.state_type not in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
), counter as (
  insert into flow_run_cursors (workspace_id, flow_run_id, task_sequence)
  select distinct cast(:workspace_id as uuid), flow_run_id, 1 from unfinished
  on conflict (workspace_id, flow_run_id)
    do update set task_sequence = flow_run_cursors.task_sequence + 1
  returning flow_run_id, task_sequence
)
update task_runs task set
  state_type = unfinished.state_type,
  state_name = unfinished.state_name,
  states = task.states || jsonb_build_array(jsonb_build_array(
    unfinished.state_type, unfinished.state_name,
    floor(extract(epoch from cast(:now as timestamptz)) * 1000000)::bigint, unfinished.message
  )),
  state_count = task.state_count + 1,
  update_sequence = counter.task_sequence,
  ended_at = :now,
  updated_at = :now
from unfinished
join counter on counter.flow_run_id = unfinished.flow_run_id
where task.workspace_id = cast(:workspace_id as uuid) and task.id = unfinished.id
  and task.state_type not in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
