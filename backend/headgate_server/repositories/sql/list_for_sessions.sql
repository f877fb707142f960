-- What sessions are to hear of the runs they hold: live offers, cancels and pauses.
-- Each of the two is read from an end of an index of its own: a session that has held many runs
-- leaves as many dead entries where somebody keeps a snapshot, and they are not gone over.
with shown as (
  select workspace_id, session_id
  from unnest(cast(:workspace_ids as uuid[]), cast(:session_ids as uuid[]))
    as shown(workspace_id, session_id)
), waiting as (
  select item.*, true as is_offer
  from shown
  join work_items item
    on item.workspace_id = shown.workspace_id and item.session_id = shown.session_id
  where item.phase = 'OFFERED' and item.fence_until > :now
  union all
  select item.*, false
  from shown
  join work_items item
    on item.workspace_id = shown.workspace_id and item.session_id = shown.session_id
  where item.phase <> 'READY' and (item.cancel_requested_at is not null or item.pause_key is not null)
    and not (item.phase = 'OFFERED' and item.fence_until > :now)
)
select item.run_id, item.workspace_id, item.session_id, item.token, item.epoch,
  item.fence_until as expires_at, queue.name as queue_name, item.priority, item.deliveries,
  item.is_offer, item.cancel_requested_at, item.cancel_reason, item.cancel_grace_seconds,
  item.pause_key
from waiting item
left join work_queues queue
  on queue.workspace_id = item.workspace_id and queue.id = item.work_queue_id
order by item.offered_at, item.queue_priority, item.priority desc, item.due_at, item.run_id
