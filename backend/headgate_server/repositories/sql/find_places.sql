-- Tells in which of some workspaces the objects with these ids lie, whatever kind they are of.
select workspace_id, id from flows
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from deployments
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from deployment_versions
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from backfills
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from failure_groups
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from sla_rules
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from saved_views
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from schedules
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from flow_runs
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from task_runs
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from background_tasks
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from work_pools
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from work_queues
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from agents
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from agent_sessions
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from variables
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from artifacts
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from assets
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from block_types
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from block_schemas
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from block_documents
where workspace_id = any(:among) and id = any(:ids)
union all
select workspace_id, id from concurrency_limits
where workspace_id = any(:among) and id = any(:ids)
