-- Counts the runs of some hours by state: of the workspace, of each flow and of each deployment.
with taken as (
  select * from unnest(cast(:workspace_ids as uuid[]), cast(:hours as timestamptz[]))
    as t(workspace_id, hour)
), counted as (
  select
    run.workspace_id, taken.hour, run.flow_id, run.deployment_id, run.state_type,
    count(*) as size
  from taken
  join flow_runs as run
    on run.workspace_id = taken.workspace_id
    and run.expected_start >= taken.hour and run.expected_start < taken.hour + interval '1 hour'
  group by run.workspace_id, taken.hour, run.flow_id, run.deployment_id, run.state_type
), scoped as (
  select workspace_id, workspace_id as scope_id, hour, state_type, size from counted
  union all
  select workspace_id, flow_id, hour, state_type, size from counted
  union all
  select workspace_id, deployment_id, hour, state_type, size from counted
  where deployment_id is not null
)
insert into run_counts (workspace_id, scope_id, hour, state_type, size)
select workspace_id, scope_id, hour, state_type, sum(size)::bigint
from scoped group by workspace_id, scope_id, hour, state_type
