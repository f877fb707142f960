-- Finds runs that did not start in time, of several rules at once: each when its time was over, and
-- a little later again, for those that were just being made. One that somebody had start again is
-- due anew: what it did before was over by then, and what it breaks is another violation. Besides
-- these, those that were made after their time was over, and where a rule has allowed less since it
-- was judged, those that still wait.
with rule as (
  select id, deployment_id, flow_id, judged_at - interval '1 minute' as low, waiting_from,
    within_ms * interval '1 millisecond' as within
  from unnest(
    cast(:ids as uuid[]), cast(:deployment_ids as uuid[]), cast(:flow_ids as uuid[]),
    cast(:within_ms as bigint[]), cast(:judged_ats as timestamptz[]),
    cast(:waiting_froms as timestamptz[])
  ) as t(id, deployment_id, flow_id, within_ms, judged_at, waiting_from)
)
select rule.id as rule_id, run.id as flow_run_id, run.since, run.key
from rule cross join lateral (
  select due.id, due.expected_start as since, named.key from (
    (
      select id, expected_start, started_at, ended_at, retries_used from flow_runs
      where rule.deployment_id is not null and workspace_id = :workspace_id
        and deployment_id = rule.deployment_id
        and expected_start > rule.low - rule.within
        and expected_start <= cast(:now as timestamptz) - rule.within
    ) union (
      select id, expected_start, started_at, ended_at, retries_used from flow_runs
      where rule.flow_id is not null and workspace_id = :workspace_id
        and flow_id = rule.flow_id
        and expected_start > rule.low - rule.within
        and expected_start <= cast(:now as timestamptz) - rule.within
    ) union (
      select id, expected_start, started_at, ended_at, retries_used from flow_runs
      where workspace_id = :workspace_id and created_at > rule.low
        and expected_start < created_at and deployment_id is not null
        and (deployment_id = rule.deployment_id or flow_id = rule.flow_id)
        and expected_start <= rule.low - rule.within
    ) union (
      select id, expected_start, started_at, ended_at, retries_used from flow_runs
      where rule.waiting_from is not null and workspace_id = :workspace_id
        and state_type in ('SCHEDULED', 'PENDING')
        and expected_start > rule.waiting_from
        and expected_start <= cast(:now as timestamptz) - rule.within
        and started_at is null
        and (deployment_id = rule.deployment_id or flow_id = rule.flow_id)
    )
  ) as due
  cross join lateral (
    select due.id::text || ' ' || (extract(epoch from due.expected_start) * 1000000)::bigint as key
  ) as named
  where (
      started_at is null or started_at > expected_start + rule.within
      or (
        started_at < expected_start and retries_used = 0
        and not exists (
          select from attempts own
          where own.workspace_id = :workspace_id and own.flow_run_id = due.id
            and own.started_at <= due.expected_start + rule.within
            and (own.ended_at is null or own.ended_at > due.expected_start)
        )
      )
    )
    and (ended_at is null or ended_at > expected_start + rule.within)
    and not exists (
      select from sla_violations known
      where known.workspace_id = :workspace_id and known.rule_id = rule.id
        and known.key in (due.id::text, named.key) and known.since = due.expected_start
    )
  order by expected_start, id
  limit cast(:most as bigint)
) run
limit cast(:most as bigint)
