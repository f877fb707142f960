-- Lists the concurrency limits of tags, with what is taken of each and who waits there.
select wanted.id, wanted.name, wanted.task_tag, wanted.slot_limit, wanted.slot_decay_per_second,
  1 as slots, cast(null as timestamptz) as since, taken.slots as taken, taken.first as free_at,
  (
    select coalesce(sum(waiter.slots), 0) from concurrency_waiters waiter
    where waiter.workspace_id = wanted.workspace_id and waiter.limit_id = wanted.id
      and
-- include still_waits
  ) as ahead
from concurrency_limits wanted
cross join lateral (
  select coalesce(sum(slot.slots), 0) as slots, min(slot.expires_at) as first
  from concurrency_slots slot
  where slot.workspace_id = wanted.workspace_id and slot.limit_id = wanted.id
    and (slot.expires_at is null or slot.expires_at > :now)
) taken
where wanted.workspace_id = :workspace_id and wanted.task_tag = any(cast(:tags as text[]))
order by wanted.name
