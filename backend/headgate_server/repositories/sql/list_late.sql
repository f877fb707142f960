-- Lists runs that wait beyond their threshold, each with the nearest cause: the first of every
-- workspace, then the second of every one, and so on.
with waiting as (
  select workspace_id, run_id, work_pool_id, work_queue_id, deployment_id, is_held, is_limited,
    row_number() over (partition by workspace_id order by late_due_at) as place, late_due_at
  from work_items
  where phase = 'READY' and late_due_at is not null and late_due_at <= :now
    and workspace_id <> all(cast(:resting as uuid[]))
), late as (
  select * from waiting where place <= :most_each order by place, late_due_at limit :most
)
select late.workspace_id, late.run_id,
  case
    when late.is_held or pool.is_paused or queue.is_paused or workspace.is_stopped then 'PAUSED'
    when session.online = 0 then 'NO_AGENT'
    when session.room <= 0 or pool.concurrency_limit <= held.in_pool
      or queue.concurrency_limit <= held.in_queue or (
        late.is_limited and (
          select deployment.concurrency_limit from deployments deployment
          where deployment.workspace_id = late.workspace_id and deployment.id = late.deployment_id
        ) <= (
          select count(*) from work_items taken
          where taken.deployment_id = late.deployment_id and taken.phase <> 'READY'
            and taken.is_limited
        )
      ) then 'LIMIT'
    else 'CONTROL_PLANE'
  end as cause
from late
join workspaces workspace on workspace.id = late.workspace_id
left join work_pools pool
  on pool.workspace_id = late.workspace_id and pool.id = late.work_pool_id
left join work_queues queue
  on queue.workspace_id = late.workspace_id and queue.id = late.work_queue_id
cross join lateral (
  select count(*) as online, coalesce(sum(s.capacity), 0) - (
    select count(*) from work_items taken
    where taken.work_pool_id = late.work_pool_id and taken.phase <> 'READY'
  ) as room
  from agent_sessions s
  where s.work_pool_id = late.work_pool_id and s.ended_at is null and s.state = 'ONLINE'
    and s.last_seen_at > cast(:now as timestamptz) - cast(:silent_for as interval)
    and (s.queue_ids is null or late.work_queue_id = any(s.queue_ids))
) session
cross join lateral (
  select count(*) as in_pool,
    count(*) filter (where taken.work_queue_id = late.work_queue_id) as in_queue
  from work_items taken
  where taken.work_pool_id = late.work_pool_id and taken.phase <> 'READY'
) held
