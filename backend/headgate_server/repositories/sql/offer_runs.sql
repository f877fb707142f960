-- Offers ready runs of one pool to sessions with room, one row a free slot, round-robin.
-- is_held keeps paused work out of the index; the deployment itself has the last word, for runs
-- that were being made while it was paused.
-- A limited pool or queue was locked and counted in statements of their own before this one.
with session as (
  select s.id,
    greatest(s.capacity - (
      select count(*) from work_items held
      where held.session_id = s.id and held.phase <> 'READY'
    ), 0) as free
  from agent_sessions s
  where s.id = any(cast(:session_ids as uuid[])) and s.state = 'ONLINE' and s.ended_at is null
  for update of s skip locked
), ready as (
  select item.workspace_id, item.run_id, item.work_queue_id, item.queue_priority, item.priority,
    item.due_at
  from work_items item
  where item.work_pool_id = :work_pool_id and item.phase = 'READY' and not item.is_held
    and item.due_at <= :now
    and item.work_queue_id = any(cast(:queue_ids as uuid[]))
    and not exists (
      select from deployments deployment
      where deployment.workspace_id = item.workspace_id
        and deployment.id = item.deployment_id and deployment.is_paused
    )
  order by item.queue_priority, item.priority desc, item.due_at, item.run_id
  limit :most
  for update of item skip locked
), chosen as (
  select *, row_number() over (
    partition by work_queue_id order by queue_priority, priority desc, due_at, run_id
  ) as place_in_queue
  from ready
), allowed as (
  select chosen.*, row_number() over (
    order by queue_priority, priority desc, due_at, run_id
  ) as place
  from chosen
  left join jsonb_to_recordset(cast(:queue_room as jsonb)) as room(queue_id uuid, room bigint)
    on room.queue_id = chosen.work_queue_id
  where room.room is null or chosen.place_in_queue <= room.room
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
join work_queues queue on queue.id = allowed.work_queue_id
  and queue.workspace_id = allowed.workspace_id
where item.workspace_id = allowed.workspace_id and item.run_id = allowed.run_id
returning item.run_id, item.workspace_id, item.session_id, item.token, item.epoch,
  item.fence_until as expires_at, queue.name as queue_name, item.priority, item.deliveries
