-- Records the heartbeats of many sessions at once. A session that drains goes on draining, whatever
-- is reported: it was asked to, and may not have heard of it yet. One that was paused here stays so
-- unless the agent reports another state; one that reports itself online has its expired offers
-- forgotten. A reason stays for as long as the state. What somebody else holds is left as it is:
-- nobody waits for it.
with shown as (
  select distinct on (session_id) *
  from unnest(
    cast(:workspace_ids as uuid[]), cast(:session_ids as uuid[]), cast(:capacities as bigint[]),
    cast(:states as text[])
  ) with ordinality as s(workspace_id, session_id, capacity, state, place)
  order by session_id, place desc
), locked as (
  select session.workspace_id, session.id from agent_sessions session
  where session.id = any(cast(:session_ids as uuid[])) and session.ended_at is null
  order by session.id
  for update of session skip locked
)
update agent_sessions session set
  last_seen_at = :now, capacity = shown.capacity,
  state = case when session.state = 'DRAINING' then session.state
    else coalesce(shown.state, session.state) end,
  state_reason = case when session.state in ('DRAINING', coalesce(shown.state, session.state))
    then session.state_reason end,
  expired_offers = case when shown.state = 'ONLINE' then 0 else session.expired_offers end
from shown
join locked on locked.workspace_id = shown.workspace_id and locked.id = shown.session_id
join agents agent on true
join work_pools pool on true
where session.workspace_id = shown.workspace_id and session.id = shown.session_id
  and agent.workspace_id = session.workspace_id and agent.id = session.agent_id
  and pool.workspace_id = session.workspace_id and pool.id = session.work_pool_id
returning session.*, agent.name as agent_name, pool.is_paused as is_pool_paused,
  pool.version as pool_version
