-- Notes that sessions claim again what they are offered.
update agent_sessions set expired_offers = 0
where workspace_id = :workspace_id and id = any(cast(:session_ids as uuid[]))
