-- Tells when the latest run of each rule's deployment or flow started, or completed, among the
-- latest 200 that have begun: what still waits is passed over, up to 20,000 runs.
with rule as (
  select * from unnest(
    cast(:ids as uuid[]), cast(:deployment_ids as uuid[]), cast(:flow_ids as uuid[])
  ) as t(id, deployment_id, flow_id)
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
        where started_at is not null or ended_at is not null
        limit 200
      ) union all (
        select id, state_type, started_at, ended_at from (
          select id, state_type, started_at, ended_at from flow_runs
          where rule.flow_id is not null and workspace_id = :workspace_id
            and flow_id = rule.flow_id
            and expected_start <= cast(:now as timestamptz)
          order by expected_start desc limit 20000
        ) as due
        where started_at is not null or ended_at is not null
        limit 200
      )
    ) as latest
  ) as timed
) last
