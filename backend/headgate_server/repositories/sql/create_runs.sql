-- Creates runs with their first state, work item, tags and event in one statement, and counts them.
-- :runs is a JSON array of objects with the columns below. Where a quota has no room for all of
-- them, the first are created: those that others create in this moment are not seen, no lock is
-- taken, and so it may be exceeded by what is created at once. What the loop has not summed up is
-- read up to a bound, and merged into few rows where there is more than a little of it: whoever
-- merges takes rows that nobody else has, and so waits for nobody.
-- Whoever pauses, resumes or limits a deployment waits for who makes runs of it, and is waited for
-- by them: they read it as it is then. A run that is due now and was not to be judged by who makes it,
-- as its deployment had no limit before, is judged by the loop.
with place as (
  select organization_id as id from workspaces where id = cast(:workspace_id as uuid)
), period as (
  select period.since, coalesce(own.most, fallback.most) as most
  from place
  cross join (values
    ('RUNS_PER_DAY', cast(:today as date)), ('RUNS_PER_MONTH', cast(:month as date))
  ) as period(kind, since)
  left join quotas as own on own.organization_id = place.id and own.kind = period.kind
  left join quota_defaults as fallback on fallback.kind = period.kind
  where cast(:is_limited as boolean) and coalesce(own.most, fallback.most, 0) > 0
), unsummed as materialized (
  select day, runs + restarts as runs from usage_deltas
  where organization_id = (select id from place) and exists (select from period)
  limit :most_unsummed
), counted as materialized (
  select day, runs from unsummed
  union all
  select day, runs + restarts from usage_days
  where organization_id = (select id from place) and day >= cast(:month as date)
    and exists (select from period)
), room as (
  select min(period.most - (
    select coalesce(sum(runs), 0) from counted where day >= period.since
  )) as runs
  from period
), taken as (
  delete from usage_deltas
  where (organization_id, id) in (
    select organization_id, id from usage_deltas
    where organization_id = (select id from place)
    order by id
    limit case when (select count(*) from unsummed) > :few_unsummed then :most_merged else 0 end
    for update skip locked
  )
  returning *
), merged as (
  insert into usage_deltas (
    organization_id, id, day, runs, restarts, run_bytes, api_points, log_bytes
  )
  select
    organization_id, gen_random_uuid(), day, sum(runs), sum(restarts), sum(run_bytes),
    sum(api_points), sum(log_bytes)
  from taken
  group by organization_id, day
), given as (
  select *, row_number() over () as nth from jsonb_to_recordset(cast(:runs as jsonb)) as r(
    id uuid, name text, flow_id uuid, deployment_id uuid, deployment_version_id uuid,
    schedule_id uuid,
    parent_task_run_id uuid, root_run_id uuid, work_pool_id uuid, work_queue_id uuid,
    queue_priority bigint, priority bigint, parameters jsonb, job_variables jsonb, tags jsonb,
    expected_start timestamptz, idempotency_key text, triggered_by jsonb,
    state_type text, state_name text, state_message text, state_details jsonb,
    phase text, collision_key text, token uuid, epoch bigint, fence_until timestamptz,
    late_threshold_ms bigint, on_agent_lost text, abandon_after_ms bigint, fence_ms bigint,
    infrastructure_retries bigint,
    event_id uuid, event_resource_id text, event_resource jsonb, event_payload jsonb,
    event_related jsonb, at timestamptz
  )
), input as materialized (
  select * from given where nth <= coalesce((select runs from room), nth)
), target as materialized (
  select id, is_paused, concurrency_limit is not null as is_limited from deployments
  where workspace_id = cast(:workspace_id as uuid)
    and id = any(array(select deployment_id from input))
  order by id
  for key share
), queue as materialized (
  select id, priority from work_queues
  where workspace_id = cast(:workspace_id as uuid)
    and id = any(array(select work_queue_id from input))
  order by id
  for key share
), used as (
  insert into usage_deltas (organization_id, id, day, runs, run_bytes)
  select
    (select id from place), cast(:usage_id as uuid), cast(:today as date), count(*),
    cast(:size_bytes as bigint) * count(*) / (select count(*) from given)
  from input having count(*) > 0
), run as (
  insert into flow_runs (
    workspace_id, id, name, flow_id, deployment_id, deployment_version_id, schedule_id,
    parent_task_run_id, root_run_id,
    work_pool_id, work_queue_id, state_type, state_name, state_message, state_timestamp,
    state_sequence, priority, expected_start, idempotency_key, triggered_by,
    created_by_kind, created_by_id, created_by_name, parameters, job_variables, traceparent,
    collision_key, created_at, updated_at
  )
  select
    cast(:workspace_id as uuid), id, name, flow_id, deployment_id, deployment_version_id, schedule_id,
    parent_task_run_id, root_run_id, work_pool_id, work_queue_id, state_type, state_name, state_message,
    coalesce(at, cast(:now as timestamptz)), 1, priority, expected_start, idempotency_key, triggered_by,
    cast(:actor_kind as text), cast(:actor_id as uuid), cast(:actor_name as text),
    parameters, job_variables, cast(:traceparent as text), collision_key,
    cast(:now as timestamptz), cast(:now as timestamptz)
  from input
  returning *
), state as (
  insert into states (
    workspace_id, flow_run_id, sequence, type, name, message, "timestamp", details,
    actor_kind, actor_id, actor_name
  )
  select
    cast(:workspace_id as uuid), id, 1, state_type, state_name, state_message,
    coalesce(at, cast(:now as timestamptz)), coalesce(state_details, '{}'),
    cast(:actor_kind as text), cast(:actor_id as uuid), cast(:actor_name as text)
  from input
), item as (
  insert into work_items (
    workspace_id, run_id, work_pool_id, work_queue_id, deployment_id, queue_priority, priority,
    due_at, phase, is_held, token, epoch, fence_until, last_seen_at, claimed_at, late_due_at,
    late_threshold_ms, on_agent_lost, abandon_after_ms, fence_ms, infrastructure_retries,
    is_limited, collision_key, collides_at
  )
  select
    cast(:workspace_id as uuid), input.id, work_pool_id, work_queue_id, deployment_id,
    coalesce(queue.priority, queue_priority), input.priority, expected_start, phase, coalesce(target.is_paused, false), token, epoch, fence_until,
    case when phase = 'READY' then null else cast(:now as timestamptz) end,
    case when phase = 'READY' then null else cast(:now as timestamptz) end,
    case when phase = 'READY'
      then expected_start + late_threshold_ms * interval '1 millisecond' end,
    late_threshold_ms, on_agent_lost, abandon_after_ms, fence_ms, infrastructure_retries,
    coalesce(target.is_limited, false), collision_key,
    case when target.is_limited and (
      expected_start > cast(:now as timestamptz)
      or deployment_id <> all(cast(:judged_ids as uuid[]))
    ) then expected_start end
  from input
  left join target on target.id = input.deployment_id
  left join queue on queue.id = input.work_queue_id
), tag as (
  insert into flow_run_tags (workspace_id, tag, flow_run_id)
  select cast(:workspace_id as uuid), t.tag, input.id
  from input, jsonb_array_elements_text(input.tags) as t(tag)
), event as (
  insert into outbox (
    workspace_id, event_id, occurred_at, name, resource_id, resource, payload, related, run_hour
  )
  select
    cast(:workspace_id as uuid), event_id, cast(:now as timestamptz), 'flow_run.created',
    event_resource_id, event_resource, event_payload, event_related,
    date_trunc('hour', expected_start)
  from input
)
select * from run
