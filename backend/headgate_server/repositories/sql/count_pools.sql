-- Counts a workspace's pools, the agents that serve them, and how much of their room is taken.
with pool as (
  select work_pools.id, work_pools.is_paused, session.agents, session.capacity, item.taken
  from work_pools
  cross join lateral (
    select count(distinct agent_id) as agents, coalesce(sum(capacity), 0) as capacity
    from agent_sessions
    where work_pool_id = work_pools.id and workspace_id = work_pools.workspace_id
      and ended_at is null and state not in ('OFFLINE', 'LOST')
  ) session
  cross join lateral (
    select count(*) as taken from work_items
    where work_pool_id = work_pools.id and workspace_id = work_pools.workspace_id
      and phase <> 'READY'
  ) item
  where work_pools.workspace_id = :workspace_id
)
select
  count(*) as pools,
  count(*) filter (where is_paused) as paused,
  count(*) filter (where not is_paused and agents = 0) as unserved,
  coalesce(sum(agents), 0)::bigint as agents_online,
  coalesce(sum(capacity), 0)::bigint as capacity,
  coalesce(sum(taken), 0)::bigint as taken
from pool
