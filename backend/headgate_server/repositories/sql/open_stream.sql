-- Counts a session's new stream and binds it to a replica; no row where the session has ended.
update agent_sessions session set
  stream_epoch = session.stream_epoch + 1, stream_replica_id = :replica_id, last_seen_at = :now
from agents agent, work_pools pool
where session.workspace_id = :workspace_id and session.id = :session_id
  and session.ended_at is null
  and agent.workspace_id = session.workspace_id and agent.id = session.agent_id
  and pool.workspace_id = session.workspace_id and pool.id = session.work_pool_id
returning session.*, agent.name as agent_name, pool.is_paused as is_pool_paused,
  pool.version as pool_version
