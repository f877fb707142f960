-- Tells which of those who wait here can be served now, and when the next slot comes back by itself.
-- In each limit those first in line are counted together, so that a slot wakes one of many. Whose
-- place is gone is told as well: its limit was deleted, or it was forgotten.
with own as (
  select distinct limit_id from concurrency_waiters
  where workspace_id = :workspace_id and lease_id = any(cast(:lease_ids as uuid[]))
), use as (
  select wanted.id, array[wanted.id] as here, wanted.slot_limit, wanted.slot_decay_per_second as decay, taken.first,
    case when wanted.slot_decay_per_second > 0
      then wanted.slot_decay_per_second
        * greatest(extract(epoch from taken.last - cast(:now as timestamptz)), 0)
      else taken.slots end as used
  from own
  join concurrency_limits wanted
    on wanted.workspace_id = :workspace_id and wanted.id = own.limit_id
  cross join lateral (
    select coalesce(sum(slots), 0) as slots, min(expires_at) as first,
      coalesce(max(expires_at), :now) as last
    from concurrency_slots slot
    where slot.workspace_id = :workspace_id and slot.limit_id = wanted.id
      and (slot.expires_at is null or slot.expires_at > :now)
  ) taken
), line as (
  select wanted.*, waiter.lease_id, waiter.slots, sum(waiter.slots) over (
    partition by wanted.id order by waiter.priority desc, waiter.since, waiter.lease_id
  ) as wanted
  from use wanted
  join concurrency_waiters waiter
    on waiter.workspace_id = :workspace_id and waiter.limit_id = wanted.id
  where waiter.expires_at > :now and
-- include counts_in_line
)
select lease_id, cast(null as timestamptz) as at from line
where used + wanted <= slot_limit and lease_id = any(cast(:lease_ids as uuid[]))
union
select shown.id, null from unnest(cast(:lease_ids as uuid[])) as shown(id)
where not exists (
  select from concurrency_waiters
  where workspace_id = :workspace_id and lease_id = shown.id
)
union all
select null, least(
  (select min(first) from use where decay = 0),
  (
    select min(cast(:now as timestamptz) + least((used + wanted - slot_limit) / decay, 86400)
      * interval '1 second')
    from line where decay > 0 and used + wanted > slot_limit and wanted <= slot_limit
  )
)
