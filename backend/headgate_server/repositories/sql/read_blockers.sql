-- Reads all that may hold up one run, or the next run of a deployment, in one row. Counts of what
-- waits ahead stop at a cap, so that a backlog costs what a page does. Each count is of what comes
-- first once all that is nearer has ended: of the run's own deployment that is paused or full, all
-- that waits before it.
with target as (
  select run.workspace_id, run.id as run_id, run.deployment_id, run.work_pool_id,
    run.work_queue_id, run.state_type, run.state_name, run.state_timestamp, run.priority,
    run.schedule_id, run.expected_start
  from flow_runs run
  where run.workspace_id = :workspace_id and run.id = cast(:run_id as uuid)
  union all
  select deployment.workspace_id, null, deployment.id, deployment.work_pool_id,
    deployment.work_queue_id, 'SCHEDULED', 'Scheduled', cast(:now as timestamptz), 0, null, null
  from deployments deployment
  where deployment.workspace_id = :workspace_id
    and deployment.id = cast(:deployment_id as uuid)
)
select target.*,
  item.phase, item.due_at, item.declines, item.is_held, item.is_limited, item.offered_at,
  agent.name as agent_name,
  deployment.name as deployment_name, flow.name as flow_name, deployment.is_paused
    as is_deployment_paused, deployment.concurrency_limit as deployment_limit,
  deployment.updated_at as deployment_updated_at,
  pool.name as pool_name, pool.type as pool_type, pool.is_paused as is_pool_paused,
  pool.concurrency_limit as pool_limit, pool.updated_at as pool_updated_at,
  queue.name as queue_name, queue.is_paused as is_queue_paused,
  queue.concurrency_limit as queue_limit, queue.updated_at as queue_updated_at,
  workspace.is_stopped, workspace.archived_at, organization.suspended_at,
  organization.suspended_because, organization.id as organization_id,
  held.in_pool, held.in_queue, in_deployment.held as in_deployment,
  session.online, session.paused, session.capacity, session.held as in_sessions,
  ahead.in_queue as ahead_in_queue, least(ahead.in_pool, :cap) as ahead_in_pool,
  before.in_deployment as ahead_in_deployment, least(elsewhere.runs, :cap) as ahead_elsewhere,
  case when state.decision #>> '{facts,proposer}' = 'SYSTEM' then state.details -> 'collision' end
    as collision,
  pause.schema is not null as takes_input,
  pause.key as pause_key, pause.created_at as paused_at
from target
join workspaces workspace on workspace.id = target.workspace_id
join organizations organization on organization.id = workspace.organization_id
left join work_items item
  on item.workspace_id = target.workspace_id and item.run_id = target.run_id
cross join lateral (
  -- Where a run waits; the next of a deployment would come behind all others of its priority, and
  -- so does one that is resumed or run all the same.
  select coalesce(item.priority, target.priority) as priority,
    coalesce(item.due_at, cast(:now as timestamptz)) as due_at,
    coalesce(item.run_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as run_id
) mine
left join agent_sessions holder
  on holder.workspace_id = item.workspace_id and holder.id = item.session_id
left join agents agent
  on agent.workspace_id = holder.workspace_id and agent.id = holder.agent_id
left join deployments deployment
  on deployment.workspace_id = target.workspace_id and deployment.id = target.deployment_id
left join flows flow
  on flow.workspace_id = deployment.workspace_id and flow.id = deployment.flow_id
left join work_pools pool
  on pool.workspace_id = target.workspace_id and pool.id = target.work_pool_id
left join work_queues queue
  on queue.workspace_id = target.workspace_id and queue.id = target.work_queue_id
left join states state
  on state.workspace_id = target.workspace_id and state.flow_run_id = target.run_id
  and target.state_type = 'CANCELLED'
  and state.sequence = (
    select max(last.sequence) from states last
    where last.workspace_id = target.workspace_id and last.flow_run_id = target.run_id
  )
left join pauses pause
  on pause.workspace_id = target.workspace_id and pause.flow_run_id = target.run_id
  and pause.status = 'WAITING'
cross join lateral (
  select count(*) as in_pool,
    count(*) filter (where taken.work_queue_id = target.work_queue_id) as in_queue
  from work_items taken
  where taken.work_pool_id = target.work_pool_id and taken.phase <> 'READY'
) held
cross join lateral (
  select count(*) as held from work_items taken
  where taken.deployment_id = target.deployment_id and taken.phase <> 'READY'
    and taken.is_limited
) in_deployment
cross join lateral (
  select deployment.is_paused as is_paused,
    coalesce(in_deployment.held >= deployment.concurrency_limit, false) as is_full
) nearer
cross join lateral (
  select count(*) filter (where s.state = 'ONLINE') as online,
    count(*) filter (where s.state = 'PAUSED') as paused,
    coalesce(sum(s.capacity) filter (where s.state = 'ONLINE'), 0) as capacity,
    coalesce(sum((
      select count(*) from work_items taken
      where taken.session_id = s.id and taken.phase <> 'READY'
    )) filter (where s.state = 'ONLINE'), 0) as held
  from agent_sessions s
  where s.work_pool_id = target.work_pool_id and s.ended_at is null
    and s.last_seen_at > cast(:now as timestamptz) - cast(:silent_for as interval)
    and (s.queue_ids is null or target.work_queue_id = any(s.queue_ids))
) session
cross join lateral (
  select count(*) as urgent, count(*) filter (where is_equal) as equal from (
    (
      select other.priority = mine.priority as is_equal from work_items other
      where other.work_queue_id = target.work_queue_id and other.phase = 'READY'
        and not other.is_held and not other.is_limited and other.due_at <= :now and (
          other.priority > mine.priority or other.priority = mine.priority
          and (other.due_at, other.run_id) < (mine.due_at, mine.run_id)
        )
      limit :cap
    ) union all (
      select other.priority = mine.priority from work_items other
      where other.deployment_id = target.deployment_id and other.phase = 'READY'
        and other.work_queue_id = target.work_queue_id and other.due_at <= :now
        and (nearer.is_paused and other.is_held or nearer.is_full and other.is_limited) and (
          other.priority > mine.priority or other.priority = mine.priority
          and (other.due_at, other.run_id) < (mine.due_at, mine.run_id)
        )
      limit :cap
    )
  ) as counted
) own
cross join lateral (
  select
    cast(coalesce(sum(waiting.place) filter (where other.id = queue.id), 0) as bigint) as in_queue,
    cast(coalesce(sum(waiting.place), 0) as bigint) as in_pool
  from work_queues other
  cross join lateral (
    select count(*) as runs from work_items taken
    where taken.work_pool_id = target.work_pool_id and taken.phase <> 'READY'
      and taken.work_queue_id = other.id
  ) taken
  cross join lateral (
    select case
      when other.id = queue.id then own.urgent
      -- Queues of one priority share evenly: no more of it comes first than of this one's own.
      when other.priority = queue.priority then least(
        free.urgent + least(free.equal, greatest(held.in_queue + own.equal + 1 - taken.runs, 0)),
        :cap
      )
      else free.urgent + free.equal + free.later
    end as runs
    from (
      select count(*) filter (where found.priority > mine.priority) as urgent,
        count(*) filter (where found.priority = mine.priority) as equal,
        count(*) filter (where found.priority < mine.priority) as later
      from (
        select item.priority from work_items item
        where item.work_queue_id = other.id and item.phase = 'READY' and not item.is_held
          and not item.is_limited and item.due_at <= :now and other.id <> queue.id
        order by item.priority desc, item.due_at, item.run_id
        limit :cap
      ) found
    ) free
  ) unlimited
  cross join lateral (
    -- Of a deployment with a limit only as many come first as it has room for.
    select coalesce(sum(least(of_one.waiting, of_one.room)), 0) as runs from (
      select count(*) as waiting, greatest(deployment.concurrency_limit - (
        select count(*) from work_items held
        where held.deployment_id = found.deployment_id and held.phase <> 'READY'
          and held.is_limited
      ), 0) as room
      from (
        select item.deployment_id from work_items item
        where item.work_queue_id = other.id and item.phase = 'READY' and not item.is_held
          and item.is_limited and item.due_at <= :now
          and not (nearer.is_full and item.deployment_id = target.deployment_id) and (
            other.priority < queue.priority or item.priority > mine.priority
            or item.priority = mine.priority
            and (item.due_at, item.run_id) < (mine.due_at, mine.run_id)
          )
        limit :cap
      ) found
      join deployments deployment
        on deployment.workspace_id = target.workspace_id and deployment.id = found.deployment_id
      group by found.deployment_id, deployment.concurrency_limit
    ) of_one
  ) limited
  cross join lateral (
    select count(*) as runs from (
      select from work_items item
      where item.deployment_id = target.deployment_id and item.phase = 'READY'
        and item.work_queue_id = other.id and other.id <> queue.id and item.due_at <= :now
        and (nearer.is_paused and item.is_held or nearer.is_full and item.is_limited) and (
          other.priority < queue.priority or item.priority > mine.priority
          or item.priority = mine.priority
          and (item.due_at, item.run_id) < (mine.due_at, mine.run_id)
        )
      limit :cap
    ) found
  ) sibling
  cross join lateral (
    select least(
      unlimited.runs + limited.runs + sibling.runs,
      case when other.id <> queue.id and other.concurrency_limit is not null
        then greatest(other.concurrency_limit - taken.runs, 0) end,
      :cap
    ) as place
  ) waiting
  where other.workspace_id = target.workspace_id and other.work_pool_id = target.work_pool_id
    and other.priority <= queue.priority and (other.id = queue.id or not other.is_paused)
) ahead
cross join lateral (
  select count(*) as in_deployment from (
    select from work_items other
    where other.deployment_id = target.deployment_id and other.phase = 'READY'
      and other.is_limited and other.due_at <= :now and (
        other.priority > mine.priority or other.priority = mine.priority
        and (other.due_at, other.run_id) < (mine.due_at, mine.run_id)
      )
    limit :cap
  ) as counted
) before
cross join lateral (
  -- What waits in the workspace's other pools, each of which is served for itself.
  select cast(coalesce(sum(waiting.runs), 0) as bigint) as runs from work_pools other
  cross join lateral (
    select count(*) as runs from (
      select from work_items item
      where item.work_pool_id = other.id and item.phase = 'READY' and not item.is_held
        and item.due_at <= :now
      limit :cap
    ) found
  ) waiting
  where other.workspace_id = target.workspace_id and other.id <> target.work_pool_id
) elsewhere
