-- Reads what may hold a call of a task up: who serves it, who comes before it, and its workspace.
with target as (
  select * from background_tasks where workspace_id = :workspace_id and id = :id
)
select
  target.state_type, target.task_key, target.due_at, target.created_at, target.leased_until,
  target.is_started, target.losses, target.tags, target.workspace_id,
  null as run_id, null as phase,
  served.online, served.places, served.held, ahead.calls as ahead,
  workspace.is_stopped, workspace.archived_at, organization.suspended_at,
  organization.suspended_because, organization.id as organization_id
from target
join workspaces workspace on workspace.id = target.workspace_id
join organizations organization on organization.id = workspace.organization_id
cross join lateral (
  select count(*) as online, coalesce(sum(worker.task_limit), 0) as places,
    coalesce(sum(leased.calls), 0) as held
  from task_workers worker
  cross join lateral (
    select count(*) as calls from background_tasks held
    where held.workspace_id = worker.workspace_id and held.worker_id = worker.id
      and held.leased_until > :now
  ) leased
  where worker.workspace_id = target.workspace_id and target.task_key = any(worker.task_keys)
    and worker.last_seen_at > cast(:now as timestamptz) - cast(:silent_for as interval)
) served
cross join lateral (
  select count(*) as calls from (
    select 1 from background_tasks other
    where other.workspace_id = target.workspace_id and other.task_key = target.task_key
      and other.ended_at is null and other.due_at <= :now and other.cancel_requested_at is null
      and (other.leased_until is null or other.leased_until <= :now)
      and (other.turn_at, other.id) < (target.turn_at, target.id)
    limit :cap
  ) one
) ahead
