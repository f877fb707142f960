-- Tells how many task runs a run has, since when and until when, and how many are in a window.
select
  count(*) as total,
  count(*) filter (where begun_at is null) as unbegun,
  count(*) filter (
    where (cast(:high as timestamptz) is null or begun_at < cast(:high as timestamptz))
      and (cast(:low as timestamptz) is null or last_at >= cast(:low as timestamptz))
  ) as shown,
  min(begun_at) as low,
  max(last_at) as high
from (
  select begun_at,
    case when begun_at is not null then coalesce(ended_at, cast(:now as timestamptz)) end as last_at
  from (
    select coalesce(started_at, ended_at) as begun_at, ended_at
    from task_runs
    where workspace_id = :workspace_id and flow_run_id = :flow_run_id
  ) task
) task
