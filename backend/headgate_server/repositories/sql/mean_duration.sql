-- Tells how long the last completed runs of a deployment took, in seconds on average: of those that
-- ran in one attempt. A pause in a process is in it, for the place is held meanwhile; what passed
-- before somebody or a policy started a run again is not, for nobody waited for its place then.
select extract(epoch from avg(ended_at - started_at)) as seconds from (
  select ended_at, started_at from flow_runs
  where workspace_id = :workspace_id and deployment_id = :deployment_id
    and expected_start > cast(:now as timestamptz) - interval '30 days'
    and state_type = 'COMPLETED' and started_at is not null and attempt = 1
  order by expected_start desc
  limit 20
) as last
