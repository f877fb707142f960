-- Sessions of any workspace that the caller may see, with what they show of their agent and pool.
select session.*, agent.name as agent_name, pool.is_paused as is_pool_paused,
  pool.version as pool_version
from agent_sessions session
join agents agent on agent.workspace_id = session.workspace_id and agent.id = session.agent_id
join work_pools pool
  on pool.workspace_id = session.workspace_id and pool.id = session.work_pool_id
where session.id = any(cast(:session_ids as uuid[]))
