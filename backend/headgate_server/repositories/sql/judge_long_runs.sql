-- Finds runs that took longer than they may, of several rules at once: those that still run, and
-- of the latest of each deployment or flow those that have ended since it was judged. A run that
-- somebody started again did not take the hours since its first start: it counts from the first of
-- the attempts since, before those that came by themselves.
with rule as (
  select id, deployment_id, flow_id, judged_at - interval '1 minute' as low,
    within_ms * interval '1 millisecond' as within
  from unnest(
    cast(:ids as uuid[]), cast(:deployment_ids as uuid[]), cast(:flow_ids as uuid[]),
    cast(:within_ms as bigint[]), cast(:judged_ats as timestamptz[])
  ) as t(id, deployment_id, flow_id, within_ms, judged_at)
), live as materialized (
  select id, attempt - retries_used - infrastructure_attempts as first, deployment_id, flow_id,
    started_at
  from flow_runs
  where workspace_id = :workspace_id
    and state_type in ('RUNNING', 'PAUSED', 'CANCELLING')
)
select rule.id as rule_id, run.id as flow_run_id, run.since
from rule cross join lateral (
  select id, since from (
    select run.id, coalesce((
      select own.started_at from attempts own
      where own.workspace_id = :workspace_id and own.flow_run_id = run.id and own.number = run.first
    ), run.started_at) as since, null::timestamptz as ended_at
    from live run
    where (run.deployment_id = rule.deployment_id or run.flow_id = rule.flow_id)
      and run.started_at <= cast(:now as timestamptz) - rule.within
    union
    select latest.id, coalesce((
      select own.started_at from attempts own
      where own.workspace_id = :workspace_id and own.flow_run_id = latest.id
        and own.number = latest.first
    ), latest.started_at), latest.ended_at
    from (
      (
        select id, attempt - retries_used - infrastructure_attempts as first, started_at, ended_at
        from flow_runs
        where rule.deployment_id is not null and workspace_id = :workspace_id
          and deployment_id = rule.deployment_id
          and expected_start <= cast(:now as timestamptz)
        order by expected_start desc limit 200
      ) union all (
        select id, attempt - retries_used - infrastructure_attempts as first, started_at, ended_at
        from flow_runs
        where rule.flow_id is not null and workspace_id = :workspace_id
          and flow_id = rule.flow_id
          and expected_start <= cast(:now as timestamptz)
        order by expected_start desc limit 200
      )
    ) as latest
    where latest.ended_at > rule.low and latest.ended_at - latest.started_at > rule.within
  ) as long
  where coalesce(ended_at, cast(:now as timestamptz)) - since >= rule.within
    and not exists (
      select from sla_violations known
      where known.workspace_id = :workspace_id and known.rule_id = rule.id
        and known.key = long.id::text
    )
  order by since, id
  limit cast(:most as bigint)
) run
