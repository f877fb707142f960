-- Writes an audit entry and queues it for its place in the chain.
with entry as (
  insert into audit_entries (
    organization_id, id, at, actor_kind, actor_id, actor_name, api_key_id, login_session_id,
    address, user_agent, request_id, action, target_kind, target_id, target_name, workspace_id,
    diff, support_grant_id)
  values (
    :organization_id, :id, clock_timestamp(), :actor_kind, :actor_id, :actor_name, :api_key_id,
    :login_session_id, :address, :user_agent, :request_id, :action, :target_kind, :target_id,
    :target_name, :workspace_id, cast(:diff as jsonb),
    cast(:support_grant_id as uuid))
  returning organization_id, id, at
)
insert into audit_queue (organization_id, entry_id, at) select organization_id, id, at from entry
