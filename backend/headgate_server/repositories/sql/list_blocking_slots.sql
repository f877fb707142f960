-- Lists the concurrency limits that code or tasks of a run wait for, or a background task, with what
-- is taken of each and who waits there before.
select wanted.id, wanted.name, wanted.task_tag, wanted.slot_limit, wanted.slot_decay_per_second,
  own.slots, own.since,
  (
    select coalesce(sum(waiter.slots), 0) from concurrency_waiters waiter
    where waiter.workspace_id = own.workspace_id and waiter.limit_id = own.limit_id
      and (
        waiter.priority > own.priority or waiter.priority = own.priority
        and (waiter.since, waiter.lease_id) < (own.since, own.lease_id)
      ) and
-- include still_waits
  ) as ahead,
  coalesce(taken.slots, 0) as taken, taken.first as free_at
from concurrency_waiters own
join concurrency_limits wanted
  on wanted.workspace_id = own.workspace_id and wanted.id = own.limit_id
cross join lateral (
  select sum(slots) as slots, min(expires_at) as first from concurrency_slots slot
  where slot.workspace_id = own.workspace_id and slot.limit_id = own.limit_id
    and (slot.expires_at is null or slot.expires_at > :now)
) taken
where own.workspace_id = :workspace_id and (
    own.run_id = cast(:run_id as uuid) or own.task_id = cast(:task_id as uuid)
  )
  and own.expires_at > :now
order by own.since, wanted.name
limit 20
