-- Takes back offers that nobody claimed in time: always safe, no user code can have started.
with expired as (
  select workspace_id, run_id, session_id from work_items
  where phase = 'OFFERED' and fence_until < :now
  order by fence_until
  limit :most
  for update skip locked
), counted as (
  update agent_sessions set expired_offers = expired_offers + 1
  from (select distinct session_id from expired) as silent
  where agent_sessions.id = silent.session_id
)
update work_items item set
  phase = 'READY', session_id = null, token = null, fence_until = null, offered_at = null,
  epoch = item.epoch + 1,
  is_held = coalesce((
    select deployment.is_paused from deployments as deployment
    where deployment.workspace_id = item.workspace_id and deployment.id = item.deployment_id
  ), false)
from expired
where item.workspace_id = expired.workspace_id and item.run_id = expired.run_id
returning item.run_id, item.work_pool_id
