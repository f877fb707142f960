-- Tells how many task runs a run has, and the number of the latest change to them.
select
  (
    select count(*) from task_runs
    where workspace_id = :workspace_id and flow_run_id = :flow_run_id
  ) as total,
  coalesce((
    select task_sequence from flow_run_cursors
    where workspace_id = :workspace_id and flow_run_id = :flow_run_id
  ), 0) as sequence
