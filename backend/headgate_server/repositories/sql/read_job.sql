-- All that an agent needs to start claimed runs, a row for each.
select
  run.id, run.name, run.parameters, run.job_variables, run.attempt, run.traceparent,
  flow.name as flow_name,
  deployment.id as deployment_id, deployment.name as deployment_name, deployment.entrypoint,
  deployment.pull_steps, deployment.job_variables as deployment_job_variables,
  deployment.on_agent_lost, deployment.fence_ms,
  workspace.slug as workspace_slug, workspace.is_stopped, organization.slug as organization_slug,
  coalesce((
    select jsonb_agg(tag order by tag) from flow_run_tags
    where flow_run_tags.workspace_id = run.workspace_id and flow_run_tags.flow_run_id = run.id
  ), '[]') as tags
from flow_runs run
join flows flow on flow.workspace_id = run.workspace_id and flow.id = run.flow_id
join workspaces workspace on workspace.id = run.workspace_id
join organizations organization on organization.id = workspace.organization_id
left join deployments deployment
  on deployment.workspace_id = run.workspace_id and deployment.id = run.deployment_id
where run.workspace_id = :workspace_id and run.id = any(:run_ids)
