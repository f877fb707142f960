-- Takes back live offers of sessions whose streams are about to go. Nobody let them expire, so the
-- delivery does not count.
with offered as (
  select workspace_id, run_id from work_items
  where session_id = any(cast(:session_ids as uuid[])) and phase = 'OFFERED'
  order by run_id
  for update skip locked
)
update work_items item set
  phase = 'READY', session_id = null, token = null, fence_until = null, offered_at = null,
  epoch = item.epoch + 1, deliveries = greatest(item.deliveries - 1, 0)
from offered
where item.workspace_id = offered.workspace_id and item.run_id = offered.run_id
returning item.work_pool_id
