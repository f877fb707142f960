-- Marks the hours of runs that no counts are kept of.
insert into stale_run_hours (workspace_id, hour, marked_at)
select distinct run.workspace_id, date_trunc('hour', run.expected_start), timestamptz '2000-01-01'
from flow_runs as run
where not exists (
  select from run_counts
  where run_counts.workspace_id = run.workspace_id and run_counts.scope_id = run.workspace_id
    and run_counts.hour = date_trunc('hour', run.expected_start)
)
on conflict do nothing
