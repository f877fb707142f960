-- Lists the workspaces that hold more than they keep, each with how long it keeps what.
select w.id as workspace_id, w.runs_kept_days, w.logs_kept_days, w.events_kept_days
from workspaces w
cross join lateral (
  select
    cast(:now as timestamptz) - w.runs_kept_days * interval '1 day' as runs_before,
    cast(:now as timestamptz) - w.logs_kept_days * interval '1 day' as logs_before,
    cast(:now as timestamptz) - w.events_kept_days * interval '1 day' as events_before
) kept
where exists (
    select from flow_runs run
    where run.workspace_id = w.id and run.expected_start < kept.runs_before
      and run.ended_at < kept.runs_before
  )
  or exists (
    select from logs
    where logs.workspace_id = w.id and logs.flow_run_id < uuid_floor(kept.logs_before)
  )
  or exists (
    select from log_chunks chunk
    where chunk.workspace_id = w.id and chunk.flow_run_id < uuid_floor(kept.logs_before)
  )
  or exists (
    select from events
    where events.workspace_id = w.id and events.occurred_at < kept.events_before
  )
  or exists (
    select from schedule_fires fire
    where fire.workspace_id = w.id and fire.run_id is null and fire.fire_at < kept.runs_before
  )
  or exists (
    select from emitted_events emitted
    where emitted.workspace_id = w.id
      and emitted.emitted_at < cast(:now as timestamptz) - interval '7 days'
  )
  or exists (
    select from asset_materializations made
    where made.workspace_id = w.id and made.made_at < kept.runs_before
  )
  or exists (
    select from cache_records record
    where record.workspace_id = w.id
      and (record.locked_until is null or record.locked_until < cast(:now as timestamptz))
      and (record.touched_at < kept.runs_before or record.expires_at < cast(:now as timestamptz))
  )
  or exists (
    select from artifacts
    where artifacts.workspace_id = w.id and artifacts.created_at < kept.runs_before
      and not exists (
        select from artifact_keys latest
        where latest.workspace_id = artifacts.workspace_id and latest.artifact_id = artifacts.id
      )
      and not exists (
        select from flow_runs run
        where run.workspace_id = artifacts.workspace_id and run.id = artifacts.flow_run_id
      )
  )
  or exists (
    select from background_tasks task
    where task.workspace_id = w.id and task.ended_at < kept.runs_before
  )
  or exists (
    -- Lines of old calls: those there are are to go, but for some of calls that took long. The calls
    -- whose lines are gone are many, and not looked at.
    select from (
      select line.workspace_id, line.task_id from background_task_logs line
      where line.workspace_id = w.id and line.task_id < uuid_floor(kept.logs_before)
      offset 0
    ) as line
    cross join lateral (
      select ended_at from background_tasks task
      where task.workspace_id = line.workspace_id and task.id = line.task_id
      offset 0
    ) as task
    where task.ended_at < kept.logs_before
  )
  or exists (
    select from failure_groups grouped
    where grouped.workspace_id = w.id and grouped.last_seen_at < kept.runs_before
      and not exists (
        select from failures
        where failures.workspace_id = grouped.workspace_id and failures.group_id = grouped.id
      )
  )
  or exists (
    select from backfills
    where backfills.workspace_id = w.id and backfills.ended_at < kept.runs_before
  )
  or exists (
    select from sla_violations broken
    where broken.workspace_id = w.id and broken.violated_at < kept.runs_before
      and broken.ended_at < kept.runs_before
  )
  or exists (
    select from agent_sessions session
    where session.workspace_id = w.id and session.id < uuid_floor(kept.runs_before)
      and session.ended_at < kept.runs_before
  )
  or exists (
    select from agents agent
    where agent.workspace_id = w.id and agent.created_at < kept.runs_before
      and not exists (
        select from agent_sessions session
        where session.workspace_id = agent.workspace_id and session.agent_id = agent.id
      )
  )
order by w.id
