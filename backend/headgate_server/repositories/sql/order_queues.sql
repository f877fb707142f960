-- Orders the queues of a pool in which runs wait that may be offered, the most urgent first.
-- Each is read at the ends of its indexes only: its first run says where it comes. Among equals the
-- queue with the least in hand comes first, as where one statement offers from all of them.
select served.id
from work_queues served
cross join lateral (
  select first.priority, first.due_at from (
    (
      select item.priority, item.due_at
      from work_items item
-- include due_unlimited_items
      order by item.priority desc, item.due_at, item.run_id
      limit 1
    )
    union all
    select own.priority, own.due_at
    from unnest(cast(:limited_queue_ids as uuid[]), cast(:limited_ids as uuid[]))
      as limited(queue_id, deployment_id)
    cross join lateral (
      select item.priority, item.due_at
      from work_items item
      where item.work_queue_id = served.id and item.workspace_id = served.workspace_id
        and item.deployment_id = limited.deployment_id
        and item.phase = 'READY' and not item.is_held and item.is_limited
        and item.due_at >= cast(:due_since as timestamptz) and item.due_at <= :now
      order by item.priority desc, item.due_at, item.run_id
      limit 1
    ) own
    where limited.queue_id = served.id
  ) first
  order by first.priority desc, first.due_at
  limit 1
) head
cross join lateral (
  select count(*) as taken from work_items taken
  where taken.work_pool_id = served.work_pool_id and taken.phase <> 'READY'
    and taken.offered_at >= cast(:held_since as timestamptz) and taken.work_queue_id = served.id
) hand
where served.id = any(cast(:queue_ids as uuid[])) and served.workspace_id = :workspace_id
order by served.priority, head.priority desc, hand.taken, head.due_at, served.id
