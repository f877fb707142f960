-- Tells when the latest run of each rule's deployment or flow started, or completed: of those that
-- have ended since the rule was judged, or go on, and of the latest 200 that have begun: what still
-- waits is passed over, up to 20,000 runs. Where a rule is judged for the first time, only those
-- that count are among the 200.
with rule as (
  select *, judged_at - interval '1 minute' as low from unnest(
    cast(:ids as uuid[]), cast(:deployment_ids as uuid[]), cast(:flow_ids as uuid[]),
    cast(:judged_ats as timestamptz[]), cast(:are_first as boolean[])
  ) as t(id, deployment_id, flow_id, judged_at, is_first)
), news as materialized (
  select distinct on (deployment_id, flow_id) deployment_id, flow_id, id, at
  from (
    select deployment_id, flow_id, id, case
      when not cast(:is_of_completed as boolean) then started_at
      when state_type = 'COMPLETED' then ended_at
    end as at
    from flow_runs
    where workspace_id = :workspace_id
      and ended_at > (select min(low) from rule)
      and ended_at <= cast(:now as timestamptz) + interval '1 day'
    union all
    select deployment_id, flow_id, id, started_at
    from flow_runs
    where not cast(:is_of_completed as boolean) and workspace_id = :workspace_id
      and state_type in ('RUNNING', 'PAUSED', 'CANCELLING')
  ) as run
  where at is not null
  order by deployment_id, flow_id, at desc
)
select rule.id as rule_id, last.flow_run_id, last.at
from rule cross join lateral (
  select max(at) as at,
    (array_agg(id order by at desc) filter (where at is not null))[1] as flow_run_id
  from (
    select id, case
      when not cast(:is_of_completed as boolean) then started_at
      when state_type = 'COMPLETED' then ended_at
    end as at
    from (
      (
        select id, state_type, started_at, ended_at from (
          select id, state_type, started_at, ended_at from flow_runs
          where rule.deployment_id is not null and workspace_id = :workspace_id
            and deployment_id = rule.deployment_id
            and expected_start <= cast(:now as timestamptz)
          order by expected_start desc limit 20000
        ) as due
        where case
          when not cast(:is_of_completed as boolean) then started_at is not null
          when rule.is_first then state_type = 'COMPLETED'
          else started_at is not null or ended_at is not null
        end
        limit 200
      ) union all (
        select id, state_type, started_at, ended_at from (
          select id, state_type, started_at, ended_at from flow_runs
          where rule.flow_id is not null and workspace_id = :workspace_id
            and flow_id = rule.flow_id
            and expected_start <= cast(:now as timestamptz)
          order by expected_start desc limit 20000
        ) as due
        where case
          when not cast(:is_of_completed as boolean) then started_at is not null
          when rule.is_first then state_type = 'COMPLETED'
          else started_at is not null or ended_at is not null
        end
        limit 200
      )
    ) as latest
    union all
    select id, at from news
    where news.deployment_id = rule.deployment_id or news.flow_id = rule.flow_id
  ) as timed
) last
