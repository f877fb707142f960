-- Counts what is taken of limits and who waits for them. Of a rate so much is taken as has not come
-- back yet.
select wanted.id, ceil(
    case when wanted.slot_decay_per_second > 0
      then wanted.slot_decay_per_second
        * greatest(extract(epoch from taken.last - cast(:now as timestamptz)), 0)
      else taken.slots end
  )::bigint as active, (
    select count(*) from concurrency_waiters waiter
    where waiter.workspace_id = :workspace_id and waiter.limit_id = wanted.id
      and
-- include still_waits
  ) as waiting
from concurrency_limits wanted
cross join lateral (
  select coalesce(sum(slots), 0) as slots, coalesce(max(expires_at), :now) as last
  from concurrency_slots slot
  where slot.workspace_id = :workspace_id and slot.limit_id = wanted.id
    and (slot.expires_at is null or slot.expires_at > :now)
) taken
where wanted.workspace_id = :workspace_id and wanted.id = any(cast(:limit_ids as uuid[]))
