-- The hours that changed are walked from the newest on until enough runs are read; those behind
-- are told as they were counted last. When an hour ends is worked out before its runs are looked
-- for, and the hours are not joined but walked: only what is compared as it stands leads to an
-- index behind row-level security, and "offset 0" leaves the planner no other way round.
with read as materialized (
  select stale.hour, run.state_type from (
    select hour, hour + interval '1 hour' as ends_at from stale_run_hours
    where workspace_id = :workspace_id
      and hour >= cast(:low as timestamptz) and hour < cast(:high as timestamptz)
    order by hour desc offset 0
  ) as stale cross join lateral (
    select state_type from flow_runs
    where workspace_id = :workspace_id
      and expected_start >= stale.hour and expected_start < stale.ends_at
