-- Finds runs that took longer than they may, of several rules at once: those that still run, and
-- of the latest of each deployment or flow those that have ended since it was judged.
with rule as (
  select id, deployment_id, flow_id, judged_at - interval '1 minute' as low,
    within_ms * interval '1 millisecond' as within
  from unnest(
    cast(:ids as uuid[]), cast(:deployment_ids as uuid[]), cast(:flow_ids as uuid[]),
    cast(:within_ms as bigint[]), cast(:judged_ats as timestamptz[])
  ) as t(id, deployment_id, flow_id, within_ms, judged_at)
), live as materialized (
  select id, deployment_id, flow_id, started_at from flow_runs
  where workspace_id = :workspace_id
    and state_type in ('PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
)
select rule.id as rule_id, run.id as flow_run_id, run.since
from rule cross join lateral (
  select id, since from (
    select id, started_at as since from live
    where (deployment_id = rule.deployment_id or flow_id = rule.flow_id)
      and started_at <= cast(:now as timestamptz) - rule.within
    union
    select id, started_at from (
      (
        select id, started_at, ended_at from flow_runs
        where rule.deployment_id is not null and workspace_id = :workspace_id
          and deployment_id = rule.deployment_id
          and expected_start <= cast(:now as timestamptz)
        order by expected_start desc limit 200
      ) union all (
        select id, started_at, ended_at from flow_runs
        where rule.flow_id is not null and workspace_id = :workspace_id
          and flow_id = rule.flow_id
          and expected_start <= cast(:now as timestamptz)
        order by expected_start desc limit 200
      )
    ) as latest
    where ended_at > rule.low and ended_at - started_at > rule.within
  ) as long
  where not exists (
    select from sla_violations known
    where known.workspace_id = :workspace_id and known.rule_id = rule.id
      and known.key = long.id::text
  )
  order by since, id
  limit cast(:most as bigint)
) run
