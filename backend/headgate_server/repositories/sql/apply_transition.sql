-- Writes accepted states with all that follows from them: the runs, their history, their work
-- items, their attempts and their events. The caller holds the runs' row locks. What a run holds
-- of concurrency limits goes with its work item, or as that waits again. A run waits again under the
-- key that it waited under at first; that of a backfill for itself alone, though it had no key.
-- A start of a run's code after the first counts as somebody asks for it, else as it happens.
-- :changes is a JSON array of objects with the columns below, one a run.
with change as materialized (
  select * from jsonb_to_recordset(cast(:changes as jsonb)) as c(
    run_id uuid, type text, name text, message text, at timestamptz, key text, attempt bigint,
    retries_used bigint, infrastructure_attempts bigint, started_at timestamptz,
    ended_at timestamptz, expected_start timestamptz, late_cause text, item_effect text,
    lease_seconds double precision, due_at timestamptz, is_cancelling boolean,
    cancel_reason text, cancel_grace_seconds bigint, details jsonb, decision jsonb, actor_kind text, actor_id uuid,
    actor_name text, run_name text, event_id uuid, event_name text, event_resource_id text, event_resource jsonb,
    event_payload jsonb, event_related jsonb, deployment_version_id uuid, work_pool_id uuid,
    work_queue_id uuid
  )
), run as (
  update flow_runs set
    name = coalesce(change.run_name, flow_runs.name),
    state_type = change.type, state_name = change.name, state_message = change.message,
    state_timestamp = change.at, state_sequence = state_sequence + 1, state_key = change.key,
    version = version + 1,
    deployment_version_id = coalesce(
      change.deployment_version_id, flow_runs.deployment_version_id
    ),
    work_pool_id = coalesce(change.work_pool_id, flow_runs.work_pool_id),
    work_queue_id = coalesce(change.work_queue_id, flow_runs.work_queue_id),
    attempt = change.attempt, retries_used = change.retries_used,
    infrastructure_attempts = change.infrastructure_attempts,
    started_at = change.started_at, ended_at = change.ended_at,
    expected_start = coalesce(change.expected_start, flow_runs.expected_start),
    late_cause = coalesce(change.late_cause, flow_runs.late_cause),
    last_epoch = case when item_effect = 'FINISH' then greatest(last_epoch, coalesce((
      select epoch from work_items
      where work_items.workspace_id = flow_runs.workspace_id and work_items.run_id = flow_runs.id
    ), 0)) else last_epoch end,
    unresponsive_since = case when item_effect = 'KEEP' then unresponsive_since end,
    cancel_requested_at = case
      when is_cancelling then coalesce(cancel_requested_at, cast(:now as timestamptz))
      when item_effect = 'CREATE' then null
      else cancel_requested_at end,
    updated_at = :now
  from change
  where flow_runs.workspace_id = :workspace_id and flow_runs.id = any(cast(:run_ids as uuid[]))
    and flow_runs.id = change.run_id
  returning flow_runs.*
), state as (
  insert into states (
    workspace_id, flow_run_id, sequence, type, name, message, "timestamp", details,
    actor_kind, actor_id, actor_name, decision
  )
  select
    run.workspace_id, run.id, run.state_sequence, run.state_type, run.state_name,
    run.state_message, run.state_timestamp, change.details, change.actor_kind, change.actor_id,
    change.actor_name, change.decision
  from run join change on change.run_id = run.id
), claimed as (
  update work_items set
    phase = 'CLAIMED', claimed_at = :now, last_seen_at = :now,
    fence_until = cast(:now as timestamptz) + lease_seconds * interval '1 second'
  from change
  where workspace_id = :workspace_id and work_items.run_id = any(cast(:claimed as uuid[]))
    and work_items.run_id = change.run_id
), started as (
  update work_items set
    phase = 'RUNNING', last_seen_at = :now, unresponsive_at = null, deliveries = 0, declines = 0,
    is_counted = false,
    fence_until = cast(:now as timestamptz) + interval '1 millisecond'
      * case when on_agent_lost = 'RETRY' then fence_ms else abandon_after_ms end
  where workspace_id = :workspace_id and run_id = any(cast(:started as uuid[]))
), requeued as (
  update work_items set
    phase = 'READY', session_id = null, token = null, fence_until = null, last_seen_at = null,
    unresponsive_at = null, offered_at = null, claimed_at = null, epoch = epoch + 1,
    is_counted = is_counted or work_items.run_id = any(cast(:again as uuid[])),
    due_at = change.due_at, collides_at = case when collides_at is not null then change.due_at end,
    late_due_at = change.due_at + late_threshold_ms * interval '1 millisecond'
  from change
  where workspace_id = :workspace_id and work_items.run_id = any(cast(:requeued as uuid[]))
    and work_items.run_id = change.run_id
), freed as (
  delete from concurrency_slots
  where workspace_id = :workspace_id and run_id = any(cast(:requeued as uuid[]))
), cancelling as (
  update work_items set
    cancel_requested_at = coalesce(cancel_requested_at, cast(:now as timestamptz)),
    cancel_reason = change.cancel_reason, cancel_grace_seconds = change.cancel_grace_seconds
  from change
  where workspace_id = :workspace_id and work_items.run_id = any(cast(:cancelling as uuid[]))
    and work_items.run_id = change.run_id
), finished as (
  delete from work_items
  where workspace_id = :workspace_id and run_id = any(cast(:finished as uuid[]))
), created as (
  insert into work_items (
    workspace_id, run_id, work_pool_id, work_queue_id, deployment_id, queue_priority, priority,
    due_at, phase, is_held, is_limited, epoch, late_due_at, late_threshold_ms, on_agent_lost,
    abandon_after_ms, fence_ms, infrastructure_retries, collision_key, is_counted
  )
  select
    run.workspace_id, run.id, run.work_pool_id, run.work_queue_id, run.deployment_id,
    queue.priority, run.priority, change.due_at, 'READY', deployment.is_paused,
    deployment.concurrency_limit is not null,
    greatest(run.last_epoch, coalesce((
      select max(epoch) from attempts
      where attempts.workspace_id = run.workspace_id and attempts.flow_run_id = run.id
    ), 0)) + 1,
    change.due_at + deployment.late_threshold_ms * interval '1 millisecond',
    deployment.late_threshold_ms, deployment.on_agent_lost, deployment.abandon_after_ms,
    deployment.fence_ms, deployment.infrastructure_retries,
    coalesce(run.collision_key, case
      when run.triggered_by ->> 'type' = 'backfill' then 'alone:' || run.id
    end), run.id = any(cast(:again as uuid[]))
  from run
  join change on change.run_id = run.id and change.item_effect = 'CREATE'
  join deployments as deployment
    on deployment.workspace_id = run.workspace_id and deployment.id = run.deployment_id
  join work_queues as queue
    on queue.workspace_id = run.workspace_id and queue.id = run.work_queue_id
), closed as (
  update attempts set ended_at = change.at, outcome = change.name
  from change
  where workspace_id = :workspace_id and flow_run_id = any(cast(:closed as uuid[]))
    and flow_run_id = change.run_id and attempts.ended_at is null
), opened as (
  insert into attempts (workspace_id, flow_run_id, number, epoch, agent_id, started_at)
  select run.workspace_id, run.id, run.attempt, item.epoch, session.agent_id, run.state_timestamp
  from run
  join work_items as item
    on item.workspace_id = run.workspace_id and item.run_id = run.id
  left join agent_sessions as session
    on session.workspace_id = item.workspace_id and session.id = item.session_id
  where item.run_id = any(cast(:opened as uuid[]))
), restarted as (
  insert into usage_deltas (organization_id, id, day, restarts)
  select workspaces.organization_id, gen_random_uuid(), cast(:today as date), count(*)
  from run
  join workspaces on workspaces.id = run.workspace_id
  where run.id = any(cast(:again as uuid[]))
    or run.id = any(cast(:opened as uuid[])) and run.attempt > 1 and not exists (
      select from work_items item
      where item.workspace_id = run.workspace_id and item.run_id = run.id and item.is_counted
    )
  group by workspaces.organization_id
), failed as (
  insert into ungrouped_failures (
    workspace_id, flow_run_id, sequence, deployment_version_id, failed_at
  )
  select workspace_id, id, state_sequence, deployment_version_id, updated_at
  from run where state_type in ('FAILED', 'CRASHED')
), event as (
  insert into outbox (
    workspace_id, event_id, occurred_at, name, resource_id, resource, payload, related, run_hour
  )
  select
    run.workspace_id, change.event_id, :now, change.event_name, change.event_resource_id,
    change.event_resource, change.event_payload, change.event_related,
    date_trunc('hour', run.expected_start)
  from run join change on change.run_id = run.id
  order by change.event_id
)
select * from run
