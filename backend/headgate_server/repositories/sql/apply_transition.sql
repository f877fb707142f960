-- Writes an accepted state with all that follows from it: the run, its history, its work item,
-- its attempt and its event. The caller holds the run's row lock.
with run as (
  update flow_runs set
    state_type = :type, state_name = :name, state_message = :message, state_timestamp = :at,
    state_sequence = state_sequence + 1, state_key = :key, version = version + 1,
    attempt = :attempt, retries_used = :retries_used,
    infrastructure_attempts = :infrastructure_attempts,
    started_at = :started_at, ended_at = :ended_at,
    expected_start = coalesce(cast(:expected_start as timestamptz), expected_start),
    late_cause = coalesce(cast(:late_cause as text), late_cause),
    last_epoch = case when :item_effect = 'FINISH' then greatest(last_epoch, coalesce((
      select epoch from work_items
      where work_items.workspace_id = flow_runs.workspace_id and work_items.run_id = flow_runs.id
    ), 0)) else last_epoch end,
    unresponsive_since = case when :item_effect in ('KEEP') then unresponsive_since end,
    cancel_requested_at = case
      when cast(:is_cancelling as boolean) then coalesce(cancel_requested_at, :now)
      when :item_effect = 'CREATE' then null
      else cancel_requested_at end,
    updated_at = :now
  where workspace_id = :workspace_id and id = :run_id
  returning *
), state as (
  insert into states (
    workspace_id, flow_run_id, sequence, type, name, message, "timestamp", details,
    actor_kind, actor_id, actor_name, decision
  )
  select
    workspace_id, id, state_sequence, state_type, state_name, state_message, state_timestamp,
    cast(:details as jsonb), :actor_kind, cast(:actor_id as uuid), :actor_name,
    cast(:decision as jsonb)
  from run
), claimed as (
  update work_items set
    phase = 'CLAIMED', claimed_at = :now, last_seen_at = :now,
    fence_until = cast(:now as timestamptz) + cast(:lease as interval)
  where :item_effect = 'CLAIM' and workspace_id = :workspace_id and run_id = :run_id
), started as (
  update work_items set
    phase = 'RUNNING', last_seen_at = :now, unresponsive_at = null, deliveries = 0, declines = 0,
    fence_until = cast(:now as timestamptz) + interval '1 millisecond'
      * case when on_agent_lost = 'RETRY' then fence_ms else abandon_after_ms end
  where :item_effect = 'START' and workspace_id = :workspace_id and run_id = :run_id
), requeued as (
  update work_items set
    phase = 'READY', session_id = null, token = null, fence_until = null, last_seen_at = null,
    unresponsive_at = null, offered_at = null, claimed_at = null, epoch = epoch + 1,
    due_at = :due_at,
    is_held = coalesce((
      select deployment.is_paused from deployments as deployment
      where deployment.workspace_id = work_items.workspace_id
        and deployment.id = work_items.deployment_id
    ), false),
    late_due_at = cast(:due_at as timestamptz) + late_threshold_ms * interval '1 millisecond'
  where :item_effect = 'REQUEUE' and workspace_id = :workspace_id and run_id = :run_id
), cancelling as (
  update work_items set
    cancel_requested_at = coalesce(cancel_requested_at, :now),
    cancel_reason = :cancel_reason, cancel_grace_seconds = :cancel_grace_seconds
  where cast(:is_cancelling as boolean) and :item_effect = 'KEEP'
    and workspace_id = :workspace_id and run_id = :run_id
), finished as (
  delete from work_items
  where :item_effect = 'FINISH' and workspace_id = :workspace_id and run_id = :run_id
), created as (
  insert into work_items (
    workspace_id, run_id, work_pool_id, work_queue_id, deployment_id, queue_priority, priority,
    due_at, phase, is_held, epoch, late_due_at, late_threshold_ms, on_agent_lost,
    abandon_after_ms, fence_ms, infrastructure_retries
  )
  select
    run.workspace_id, run.id, run.work_pool_id, run.work_queue_id, run.deployment_id,
    queue.priority, run.priority, :due_at, 'READY', deployment.is_paused,
    greatest(run.last_epoch, coalesce((
      select max(epoch) from attempts
      where attempts.workspace_id = run.workspace_id and attempts.flow_run_id = run.id
    ), 0)) + 1,
    cast(:due_at as timestamptz) + deployment.late_threshold_ms * interval '1 millisecond',
    deployment.late_threshold_ms, deployment.on_agent_lost, deployment.abandon_after_ms,
    deployment.fence_ms, deployment.infrastructure_retries
  from run
  join deployments as deployment
    on deployment.workspace_id = run.workspace_id and deployment.id = run.deployment_id
  join work_queues as queue
    on queue.workspace_id = run.workspace_id and queue.id = run.work_queue_id
  where :item_effect = 'CREATE'
), closed as (
  update attempts set ended_at = :now, outcome = :outcome
  where cast(:closes_attempt as boolean) and workspace_id = :workspace_id
    and flow_run_id = :run_id and ended_at is null
), opened as (
  insert into attempts (workspace_id, flow_run_id, number, epoch, agent_id, started_at)
  select run.workspace_id, run.id, run.attempt, item.epoch, session.agent_id, :now
  from run
  join work_items as item
    on item.workspace_id = run.workspace_id and item.run_id = run.id
  left join agent_sessions as session
    on session.workspace_id = item.workspace_id and session.id = item.session_id
  where cast(:opens_attempt as boolean)
), event as (
  insert into outbox (
    workspace_id, event_id, occurred_at, name, resource_id, resource, payload, related, run_hour
  )
  select
    workspace_id, cast(:event_id as uuid), :now, :event_name, :event_resource_id,
    cast(:event_resource as jsonb), cast(:event_payload as jsonb), cast(:event_related as jsonb),
    date_trunc('hour', expected_start)
  from run
)
select * from run
