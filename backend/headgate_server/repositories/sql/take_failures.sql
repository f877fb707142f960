-- Takes failures that are in no group yet, the oldest first, with what a fingerprint is made of.
-- Two loops take different ones.
with taken as (
  delete from ungrouped_failures
  where (workspace_id, flow_run_id, sequence) in (
    select workspace_id, flow_run_id, sequence from ungrouped_failures
    order by failed_at
    limit :most
    for update skip locked
  )
  returning workspace_id, flow_run_id, sequence, deployment_version_id, failed_at
)
select
  taken.workspace_id, taken.flow_run_id, taken.sequence, taken.deployment_version_id,
  taken.failed_at, run.flow_id, state.name, state.message, state.details
from taken
join flow_runs run on run.workspace_id = taken.workspace_id and run.id = taken.flow_run_id
join states state
  on state.workspace_id = taken.workspace_id and state.flow_run_id = taken.flow_run_id
  and state.sequence = taken.sequence
