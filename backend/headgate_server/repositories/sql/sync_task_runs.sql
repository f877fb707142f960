-- Stores reported task runs in one statement; the longer list of states wins, so that any report
-- may come twice and in any order. The counter's row lock numbers the changes of a run in the
-- order they commit.
with counter as (
  insert into flow_run_cursors (workspace_id, flow_run_id, task_sequence)
  values (:workspace_id, :flow_run_id, 1)
  on conflict (workspace_id, flow_run_id)
    do update set task_sequence = flow_run_cursors.task_sequence + 1
  returning task_sequence
), input as (
  select distinct on (id) * from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    id uuid, task_key text, name text, map_index bigint, tags text[], cache_key text,
    attempt bigint, parents uuid[], state_type text, state_name text, states jsonb,
    state_count bigint, started_us bigint, ended_us bigint
  )
  order by id, state_count desc
), written as (
insert into task_runs as stored (
  workspace_id, id, flow_run_id, task_key, name, map_index, tags, cache_key, attempt, parents,
  state_type, state_name, states, state_count, update_sequence, started_at, ended_at, updated_at
)
select
  cast(:workspace_id as uuid), input.id, cast(:flow_run_id as uuid), input.task_key, input.name,
  input.map_index, input.tags, input.cache_key, input.attempt, input.parents, input.state_type,
  input.state_name, input.states, input.state_count, counter.task_sequence,
  timestamptz 'epoch' + input.started_us * interval '1 microsecond',
  timestamptz 'epoch' + input.ended_us * interval '1 microsecond', :now
from input, counter
order by input.id
on conflict (workspace_id, id) do update set
  name = excluded.name, cache_key = excluded.cache_key, attempt = excluded.attempt,
  parents = excluded.parents, state_type = excluded.state_type, state_name = excluded.state_name,
  states = excluded.states, state_count = excluded.state_count,
  update_sequence = excluded.update_sequence, started_at = excluded.started_at,
  ended_at = excluded.ended_at, updated_at = excluded.updated_at
where stored.flow_run_id = excluded.flow_run_id and stored.state_count < excluded.state_count
)
select input.id from input
join task_runs other on other.workspace_id = cast(:workspace_id as uuid) and other.id = input.id
where other.flow_run_id <> cast(:flow_run_id as uuid)
