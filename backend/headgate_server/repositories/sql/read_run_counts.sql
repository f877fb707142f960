-- Counts runs by bucket and state from the counted hours, and from the runs in the others.
-- When an hour ends is worked out before the runs are looked for: behind row-level security only
-- what is compared as it stands leads to an index.
with stale as materialized (
  select hour, hour + interval '1 hour' as ends_at from stale_run_hours
  where workspace_id = :workspace_id
    and hour >= cast(:low as timestamptz) and hour < cast(:high as timestamptz)
), counted as (
  select hour, state_type, size from run_counts
  where workspace_id = :workspace_id and scope_id = :scope_id
    and hour >= cast(:low as timestamptz) and hour < cast(:high as timestamptz)
    and hour not in (select hour from stale)
  union all
  select stale.hour, run.state_type, count(*)
  from stale
  join flow_runs as run
    on run.expected_start >= stale.hour and run.expected_start < stale.ends_at
  where run.workspace_id = :workspace_id
    and cast(:scope_id as uuid) in (run.workspace_id, run.flow_id, run.deployment_id)
  group by stale.hour, run.state_type
)
select
  floor(extract(epoch from hour - cast(:low as timestamptz)) / cast(:seconds as bigint))::bigint
    as place,
  state_type, sum(size)::bigint as size
from counted group by place, state_type
