-- Locks those of some runs that nobody else holds, then their work items, in the order of ids.
with run as (
  select * from flow_runs
  where workspace_id = :workspace_id and id = any(:run_ids)
  order by id
  for update skip locked
), item as (
  select work_items.* from work_items
  join run on work_items.workspace_id = run.workspace_id and work_items.run_id = run.id
  order by work_items.run_id
  for update of work_items
)
select
  run.*,
  item.run_id as item_run_id, item.queue_priority as item_queue_priority,
  item.priority as item_priority, item.due_at as item_due_at, item.phase as item_phase,
  item.session_id as item_session_id, item.token as item_token, item.epoch as item_epoch,
  item.fence_until as item_fence_until, item.last_seen_at as item_last_seen_at,
  item.offered_at as item_offered_at, item.claimed_at as item_claimed_at,
  item.deliveries as item_deliveries, item.on_agent_lost as item_on_agent_lost,
  item.abandon_after_ms as item_abandon_after_ms, item.fence_ms as item_fence_ms,
  item.infrastructure_retries as item_infrastructure_retries,
  item.cancel_requested_at as item_cancel_requested_at,
  item.cancel_reason as item_cancel_reason,
  item.cancel_grace_seconds as item_cancel_grace_seconds,
  item.pause_key as item_pause_key, item.pause_kind as item_pause_kind
from run left join item on item.run_id = run.id
