-- Offers ready runs of one pool to sessions with room, one row a free slot, round-robin.
-- is_held keeps paused work out of the index; the deployment itself has the last word, for runs
-- that were being made while it was paused.
-- A limited pool or queue was locked and counted in statements of their own before this one.
-- Each queue is read from its own end of the index, and no further than there are free slots: a
-- backlog in one queue costs the others nothing, and what another replica could use stays unlocked.
-- Queues of one priority share evenly: the one with the least in hand comes first.
-- Runs of deployments with a limit have an index of their own, and only as many are read as there is
-- room: those of a full deployment cost nothing here, however many wait.
-- Rows that are dead, but kept by somebody's snapshot, are not gone over again: :due_since and
-- :held_since are where the oldest due run and the oldest that agents hold were seen.
-- What a schedule had made ahead, and what came due in an outage of the API, waits until that is
-- settled: the schedule's catch-up has the word.
with service as (
  select last_served_at from control_plane where id = 1
), session as (
  select s.id,
    greatest(s.capacity - (
      select count(*) from work_items held
      where held.session_id = s.id and held.phase <> 'READY'
        and held.offered_at >= cast(:held_since as timestamptz)
    ), 0) as free
  from agent_sessions s
  where s.id = any(cast(:session_ids as uuid[])) and s.state = 'ONLINE' and s.ended_at is null
  order by s.id
  for update of s
), room as (
  select least(:most, coalesce(sum(free), 0)) as total from session
), served as (
  select queue.id, queue.workspace_id, queue.name, queue.priority, limited.room,
    case when cardinality(cast(:queue_ids as uuid[])) > 1 then (
      select count(*) from work_items taken
      where taken.work_pool_id = :work_pool_id and taken.phase <> 'READY'
        and taken.offered_at >= cast(:held_since as timestamptz)
        and taken.work_queue_id = queue.id
    ) else 0 end as taken
  from work_queues queue
  join workspaces on workspaces.id = queue.workspace_id and not workspaces.is_stopped
  left join jsonb_to_recordset(cast(:queue_room as jsonb)) as limited(queue_id uuid, room bigint)
    on limited.queue_id = queue.id
  where queue.id = any(cast(:queue_ids as uuid[])) and queue.work_pool_id = :work_pool_id
), limited as (
  select * from jsonb_to_recordset(cast(:deployment_room as jsonb))
    as limited(queue_id uuid, deployment_id uuid, room bigint)
), ready as (
  select found.*, served.name as queue_name, served.taken,
    cast(null as uuid) as deployment_id, cast(null as bigint) as deployment_room
  from served
  cross join lateral (
    select item.workspace_id, item.run_id, item.work_queue_id, item.queue_priority, item.priority,
      item.due_at
    from work_items item
-- include due_unlimited_items
      and not (
        item.due_at >= (select last_served_at from service)
        and item.due_at <= cast(:now as timestamptz) - cast(:missed_after as interval)
        and exists (
          select from flow_runs run
          where run.workspace_id = item.workspace_id and run.id = item.run_id
            and run.schedule_id is not null and run.attempt = 0
            and run.created_at < item.due_at
        )
      )
    order by item.priority desc, item.due_at, item.run_id
    limit least((select total from room), coalesce(served.room, :most))
    for update of item skip locked
  ) found
  union all
  select found.*, served.name, served.taken, limited.deployment_id, limited.room
  from limited
  join served on served.id = limited.queue_id
  cross join lateral (
    select item.workspace_id, item.run_id, item.work_queue_id, item.queue_priority, item.priority,
      item.due_at
    from work_items item
    where item.work_queue_id = served.id and item.workspace_id = served.workspace_id
      and item.deployment_id = limited.deployment_id
      and item.phase = 'READY' and not item.is_held and item.is_limited
      and item.due_at >= cast(:due_since as timestamptz) and item.due_at <= :now
      and not (
        item.due_at >= (select last_served_at from service)
        and item.due_at <= cast(:now as timestamptz) - cast(:missed_after as interval)
        and exists (
          select from flow_runs run
          where run.workspace_id = item.workspace_id and run.id = item.run_id
            and run.schedule_id is not null and run.attempt = 0
            and run.created_at < item.due_at
        )
      )
    order by item.priority desc, item.due_at, item.run_id
    limit least((select total from room), coalesce(served.room, :most), limited.room)
    for update of item skip locked
  ) found
), within as (
  select *, row_number() over (
    partition by deployment_id order by queue_priority, priority desc, due_at, run_id
  ) as deployment_turn
  from ready
), seated as (
  select *, row_number() over (
    partition by work_queue_id order by priority desc, due_at, run_id
  ) as queue_turn
  from within where deployment_room is null or deployment_turn <= deployment_room
), fair as (
  select *, taken + row_number() over (
    partition by work_queue_id, priority order by due_at, run_id
  ) as turn
  from seated
  where queue_turn <= coalesce(
    (select served.room from served where served.id = seated.work_queue_id), :most
  )
), allowed as (
  select *, row_number() over (
    order by queue_priority, priority desc, turn, due_at, run_id
  ) as place
  from fair
), slot as (
  select session.id, row_number() over (order by turn, session.id) as place
  from session, lateral generate_series(1, session.free) as turn
)
update work_items item set
  phase = 'OFFERED', session_id = slot.id, token = gen_random_uuid(), epoch = item.epoch + 1,
  offered_at = :now, last_seen_at = null, unresponsive_at = null,
  fence_until = cast(:now as timestamptz) + cast(:offer_ttl as interval),
  deliveries = item.deliveries + 1
from allowed join slot on slot.place = allowed.place
where item.workspace_id = allowed.workspace_id and item.run_id = allowed.run_id
  and allowed.place <= (select total from room)
returning item.run_id, item.workspace_id, item.session_id, item.token, item.epoch,
  item.fence_until as expires_at, allowed.queue_name, item.priority, item.deliveries
