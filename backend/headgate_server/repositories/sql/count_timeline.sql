-- Counts the task runs in a window of a run's timeline: by task, part of the time, and state.
with task as materialized (
  select task_key, state_type, begun_at, ended_at
  from (
    select task_key, state_type, coalesce(started_at, ended_at) as begun_at, ended_at
    from task_runs
    where workspace_id = :workspace_id and flow_run_id = :flow_run_id
  ) every
  where begun_at < cast(:high as timestamptz)
    and coalesce(ended_at, cast(:now as timestamptz)) >= cast(:low as timestamptz)
), ranked as (
  select task_key, row_number() over (order by count(*) desc, task_key) as place
  from task group by task_key
), placed as (
  select case when ranked.place <= :lanes then task.task_key end as task_key,
    task.state_type, task.begun_at, task.ended_at
  from task join ranked using (task_key)
), moved as (
  select task_key, state_type,
    greatest(floor(
      extract(epoch from begun_at - cast(:low as timestamptz)) / cast(:seconds as float8)
    ), 0)::bigint as slot,
    1 as begun, 0 as ended
  from placed
  union all
  select task_key, state_type,
    floor(
      extract(epoch from ended_at - cast(:low as timestamptz)) / cast(:seconds as float8)
    )::bigint,
    0, 1
  from placed where ended_at < cast(:high as timestamptz)
)
select task_key, slot, state_type, sum(begun)::bigint as begun, sum(ended)::bigint as ended
from moved group by task_key, slot, state_type
order by task_key nulls last, slot, state_type
