-- All that an agent needs to start claimed runs, a row for each. What runs is the version that a run
-- was made of, as far as it is kept.
select
  run.id, run.name, run.parameters, run.job_variables, run.attempt, run.retries_used,
  run.traceparent,
  -- A run that is started again, or sooner, is due anew; what it is about is the instant that it was
  -- made for.
  coalesce(case when run.attempt > 0 or run.state_sequence > 1 then (
    select cast(state.details ->> 'scheduledTime' as timestamptz) from states state
    where state.workspace_id = run.workspace_id and state.flow_run_id = run.id
      and state.sequence = 1
  ) end, run.expected_start) as first_due,
  run.flow_id, flow.name as flow_name, run.created_at,
  run.parent_task_run_id, run.root_run_id,
  parent.id as parent_run_id, parent.deployment_id as parent_deployment_id,
  pool.name as work_pool, queue.name as work_queue,
  coalesce(version.label, cast(version.number as text)) as deployment_version,
  deployment.id as deployment_id, deployment.name as deployment_name,
  case when version.id is null then deployment.entrypoint
    else version.content ->> 'entrypoint' end as entrypoint,
  case when version.id is null then deployment.pull_steps
    else nullif(version.content -> 'pull_steps', 'null') end as pull_steps,
  case when version.id is null then deployment.job_variables
    else version.content -> 'job_variables' end as deployment_job_variables,
  pool.base_job_template,
  -- As the reaper judges it: what was promised as the run began to wait, whatever was edited since.
  item.on_agent_lost, item.fence_ms,
  workspace.slug as workspace_slug, workspace.is_stopped, organization.slug as organization_slug,
  coalesce((
    select jsonb_agg(tag order by tag) from flow_run_tags
    where flow_run_tags.workspace_id = run.workspace_id and flow_run_tags.flow_run_id = run.id
  ), '[]') as tags,
  -- What the attempt begins from: the last of the ends of earlier ones, and what says to go on.
  -- Only what is said of a run that waits is Headgate's own word.
  case when run.attempt > 0 then (
    select jsonb_build_object(
      'name', state.name,
      'details', case when state.type = 'SCHEDULED' then state.details else '{}' end
    )
    from states state
    where state.workspace_id = run.workspace_id and state.flow_run_id = run.id
      and (
        state.type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
        or state.type = 'SCHEDULED' and (
          state.name = 'Resuming' or jsonb_exists(state.details, 'fromFailed')
          or jsonb_exists(state.details, 'givesBack')
        )
      )
    order by state.sequence desc limit 1
  ) end as beginning,
  -- The last of the states in which somebody had the run start again, and since which everything is
  -- done again: one who starts a run now that waits anyway does neither.
  case when run.attempt > 0 then (
    select jsonb_build_object(
      'at', (array_agg(state.timestamp order by state.sequence desc))[1],
      'details', (array_agg(state.details order by state.sequence desc))[1],
      'since', coalesce(max(state.sequence) filter (where
        coalesce(state.details -> 'fromFailed', 'false') = 'false'
        and coalesce(state.details -> 'fromTaskRunIds', '[]') = '[]'
      ), 0)
    )
    from states state
    where state.workspace_id = run.workspace_id and state.flow_run_id = run.id
      and
-- include had_start_again
  ) end as restart
from flow_runs run
join flows flow on flow.workspace_id = run.workspace_id and flow.id = run.flow_id
join workspaces workspace on workspace.id = run.workspace_id
join organizations organization on organization.id = workspace.organization_id
left join work_items item on item.workspace_id = run.workspace_id and item.run_id = run.id
left join work_pools pool on pool.workspace_id = run.workspace_id and pool.id = run.work_pool_id
left join work_queues queue on queue.workspace_id = run.workspace_id and queue.id = run.work_queue_id
left join task_runs wrapper
  on wrapper.workspace_id = run.workspace_id and wrapper.id = run.parent_task_run_id
left join flow_runs parent
  on parent.workspace_id = run.workspace_id and parent.id = wrapper.flow_run_id
left join deployments deployment
  on deployment.workspace_id = run.workspace_id and deployment.id = run.deployment_id
left join deployment_versions version
  on version.workspace_id = run.workspace_id and version.id = run.deployment_version_id
where run.workspace_id = :workspace_id and run.id = any(:run_ids)
