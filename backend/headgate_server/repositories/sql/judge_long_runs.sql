-- Finds runs that took longer than they may, of several rules at once: those that still run, and
-- those that have ended since each was judged, until an instant. A run that somebody started again
-- did not take the hours since its first start: it counts from the first of the attempts since
-- then, and what it breaks is another violation. Those that came by themselves, or after a
-- suspension, go on with it.
with rule as (
  select id, deployment_id, flow_id, judged_at - interval '1 minute' as low,
    within_ms * interval '1 millisecond' as within
  from unnest(
    cast(:ids as uuid[]), cast(:deployment_ids as uuid[]), cast(:flow_ids as uuid[]),
    cast(:within_ms as bigint[]), cast(:judged_ats as timestamptz[])
  ) as t(id, deployment_id, flow_id, within_ms, judged_at)
), live as materialized (
  select id, deployment_id, flow_id, started_at
  from flow_runs
  where workspace_id = :workspace_id
    and state_type in ('RUNNING', 'PAUSED', 'CANCELLING')
), ended as materialized (
  select id, deployment_id, flow_id, started_at, ended_at
  from flow_runs
  where workspace_id = :workspace_id
    and ended_at > (select min(low) from rule)
    and ended_at <= cast(:ended_until as timestamptz)
    and ended_at - started_at > (select min(within) from rule)
)
select rule.id as rule_id, run.id as flow_run_id, run.since, run.key
from rule cross join lateral (
  select long.id, counted.since, named.key from (
    select run.id, run.started_at, null::timestamptz as ended_at
    from live run
    where (run.deployment_id = rule.deployment_id or run.flow_id = rule.flow_id)
      and run.started_at <= cast(:now as timestamptz) - rule.within
    union
    select run.id, run.started_at, run.ended_at
    from ended run
    where (run.deployment_id = rule.deployment_id or run.flow_id = rule.flow_id)
      and run.ended_at > rule.low and run.ended_at - run.started_at > rule.within
  ) as long
  cross join lateral (
    select max(state.timestamp) as at from states state
    where state.workspace_id = :workspace_id and state.flow_run_id = long.id
      and
-- include had_start_again
  ) as restarted
  cross join lateral (
    select case when restarted.at is null then long.started_at else (
      select min(own.started_at) from attempts own
      where own.workspace_id = :workspace_id and own.flow_run_id = long.id
        and own.started_at >= restarted.at
    ) end as since
  ) as counted
  cross join lateral (
    select long.id::text || ' ' || (extract(epoch from counted.since) * 1000000)::bigint as key
  ) as named
  where coalesce(long.ended_at, cast(:now as timestamptz)) - counted.since >= rule.within
    and not exists (
      select from sla_violations known
      where known.workspace_id = :workspace_id and known.rule_id = rule.id
        and known.key in (long.id::text, named.key) and known.since = counted.since
    )
  order by counted.since, long.id
  limit cast(:most as bigint)
) run
limit cast(:most as bigint)
