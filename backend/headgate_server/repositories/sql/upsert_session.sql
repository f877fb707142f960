-- Makes the session of an agent's process, or refreshes the one there is, also one that has ended.
-- One that was asked to drain and has not ended goes on draining.
with former as (
  select api_key_id from agent_sessions
  where workspace_id = :workspace_id and agent_id = :agent_id and instance_id = :instance_id
), added as (
  insert into agent_sessions (
    workspace_id, id, agent_id, work_pool_id, queue_ids, instance_id, api_key_id, secret_number,
    capacity, labels, sdk_version, host, state, known_pool_version, connected_at, last_seen_at
  )
  values (
    :workspace_id, :id, :agent_id, :work_pool_id, cast(:queue_ids as uuid[]), :instance_id,
    :api_key_id, :secret_number, :capacity, cast(:labels as jsonb), :sdk_version, :host, 'ONLINE',
    :known_pool_version, :now, :now
  )
  on conflict (workspace_id, agent_id, instance_id) do update set
    api_key_id = excluded.api_key_id, secret_number = excluded.secret_number,
    capacity = excluded.capacity, queue_ids = excluded.queue_ids, labels = excluded.labels,
    state = case when agent_sessions.ended_at is null and agent_sessions.state = 'DRAINING'
      then agent_sessions.state else excluded.state end,
    state_reason = case when agent_sessions.ended_at is null and agent_sessions.state = 'DRAINING'
      then agent_sessions.state_reason end,
    known_pool_version = excluded.known_pool_version, expired_offers = 0,
    last_seen_at = excluded.last_seen_at, ended_at = null
  returning *
)
select session.*, agent.name as agent_name, pool.is_paused as is_pool_paused,
  pool.version as pool_version, (select api_key_id from former) as former_key_id
from added session
join agents agent on agent.workspace_id = session.workspace_id and agent.id = session.agent_id
join work_pools pool
  on pool.workspace_id = session.workspace_id and pool.id = session.work_pool_id
