-- What sessions are to hear of the runs they hold: live offers, cancels and pauses.
select item.run_id, item.workspace_id, item.session_id, item.token, item.epoch,
  item.fence_until as expires_at, queue.name as queue_name, item.priority, item.deliveries,
  item.phase = 'OFFERED' and item.fence_until > :now as is_offer,
  item.cancel_requested_at, item.cancel_reason, item.cancel_grace_seconds, item.pause_key
from unnest(cast(:workspace_ids as uuid[]), cast(:session_ids as uuid[]))
  as shown(workspace_id, session_id)
join work_items item
  on item.workspace_id = shown.workspace_id and item.session_id = shown.session_id
left join work_queues queue
  on queue.workspace_id = item.workspace_id and queue.id = item.work_queue_id
where item.phase <> 'READY'
  and ((item.phase = 'OFFERED' and item.fence_until > :now)
    or item.cancel_requested_at is not null or item.pause_key is not null)
order by item.offered_at
