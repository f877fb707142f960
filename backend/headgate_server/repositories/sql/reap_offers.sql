-- Takes back offers that nobody claimed in time: always safe, no user code can have started.
-- A session that let too many of them expire in a row is paused with the reason.
with expired as (
  select workspace_id, run_id, session_id from work_items
  where phase = 'OFFERED' and fence_until < :now
  order by fence_until
  limit :most
  for update skip locked
), counted as (
  update agent_sessions session set
    expired_offers = session.expired_offers + silent.offers,
    state = case
      when session.state = 'ONLINE' and session.expired_offers + silent.offers >= :to_pause
      then 'PAUSED' else session.state end,
    state_reason = case
      when session.state = 'ONLINE' and session.expired_offers + silent.offers >= :to_pause
      then :reason else session.state_reason end
  from (select session_id, count(*) as offers from expired group by session_id) as silent
  where session.id = silent.session_id and session.ended_at is null
  returning session.id, session.state, session.expired_offers - silent.offers as before
), returned as (
  update work_items item set
    phase = 'READY', session_id = null, token = null, fence_until = null, offered_at = null,
    epoch = item.epoch + 1
  from expired
  where item.workspace_id = expired.workspace_id and item.run_id = expired.run_id
  returning item.workspace_id, item.run_id, item.work_pool_id, item.deliveries, expired.session_id
)
select returned.workspace_id, returned.run_id, returned.work_pool_id, returned.deliveries,
  returned.session_id,
  coalesce(counted.state = 'PAUSED' and counted.before < :to_pause, false) as is_session_paused
from returned left join counted on counted.id = returned.session_id
