-- Lists the concurrency limits that code or tasks of a run wait for, or a background task, with what
-- is taken of each and who waits there before.
select wanted.id, wanted.name, wanted.task_tag, wanted.slot_limit, wanted.slot_decay_per_second,
  waiter.slots, waiter.since,
  (
    select coalesce(sum(other.slots), 0) from concurrency_waiters other
    where other.workspace_id = waiter.workspace_id and other.limit_id = waiter.limit_id
      and other.expires_at > :now and (
        other.priority > waiter.priority or other.priority = waiter.priority
        and (other.since, other.lease_id) < (waiter.since, waiter.lease_id)
      )
  ) as ahead,
  coalesce(taken.slots, 0) as taken, taken.first as free_at
from concurrency_waiters waiter
join concurrency_limits wanted
  on wanted.workspace_id = waiter.workspace_id and wanted.id = waiter.limit_id
cross join lateral (
  select sum(slots) as slots, min(expires_at) as first from concurrency_slots slot
  where slot.workspace_id = waiter.workspace_id and slot.limit_id = waiter.limit_id
    and (slot.expires_at is null or slot.expires_at > :now)
) taken
where waiter.workspace_id = :workspace_id and (
    waiter.run_id = cast(:run_id as uuid) or waiter.task_id = cast(:task_id as uuid)
  )
  and waiter.expires_at > :now
order by waiter.since, wanted.name
limit 20
