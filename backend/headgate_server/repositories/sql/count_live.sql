-- Counts what is there now in a workspace, each number up to :most only, in one row.
select
  (select count(*) from (
    select from flow_runs
    where workspace_id = :workspace_id and state_type = 'RUNNING' limit cast(:most as bigint)
  ) counted) as running,
  (select count(*) from (
    select from flow_runs
    where workspace_id = :workspace_id and state_type = 'PENDING' limit cast(:most as bigint)
  ) counted) as pending,
  (select count(*) from (
    select from flow_runs
    where workspace_id = :workspace_id and state_type = 'PAUSED' limit cast(:most as bigint)
  ) counted) as paused,
  (select count(*) from (
    select from flow_runs
    where workspace_id = :workspace_id and state_type = 'CANCELLING' limit cast(:most as bigint)
  ) counted) as cancelling,
  (select count(*) from (
    select from flow_runs
    where workspace_id = :workspace_id and state_type = 'SCHEDULED'
      and expected_start <= cast(:now as timestamptz)
    limit cast(:most as bigint)
  ) counted) as waiting,
  (select count(*) from (
    select from flow_runs
    where workspace_id = :workspace_id and state_type = 'SCHEDULED'
      and expected_start > cast(:now as timestamptz)
    limit cast(:most as bigint)
  ) counted) as scheduled,
  (select count(*) from (
    select from flow_runs
    where workspace_id = :workspace_id and state_name = 'Late' limit cast(:most as bigint)
  ) counted) as late,
  (select count(*) from (
    select from pauses
    where workspace_id = :workspace_id and status = 'WAITING' limit cast(:most as bigint)
  ) counted) as questions,
  (select count(*) from (
    select from failure_groups
    where workspace_id = :workspace_id and last_seen_at >= cast(:since as timestamptz)
      and status in ('OPEN', 'REGRESSED')
    limit cast(:most as bigint)
  ) counted) as failing
