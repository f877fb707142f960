-- Who is counted in the line of a limit: not who waits for one that is shut, or smaller than that by
-- now, nor who is gone. And who waits for several limits holds up others at one of them
-- while another has no room, but for a third of the time: always, it would shut what is free; never,
-- it might not be served. It does so at the end of spans that double, 30 s of the first 90 s, 60 s of
-- the next 180 s: one of them is longer than whoever is there holds its slots, and by its end all are
-- free. ``waiter`` is who waits; ``wanted.here`` are limits that do not count as others.
not exists (
  select from concurrency_waiters stuck
  join concurrency_limits shut
    on shut.workspace_id = stuck.workspace_id and shut.id = stuck.limit_id
  where stuck.workspace_id = :workspace_id and stuck.lease_id = waiter.lease_id
    and shut.slot_limit < stuck.slots
)
and
-- include still_waits
and (
  (
    select spans.passed >= 5.0 / 3 * power(2, floor(ln(spans.passed) / ln(2)))
    from (
      select 1 + greatest(
        extract(epoch from cast(:now as timestamptz) - waiter.since), 0
      )::double precision / 90 as passed
    ) spans
  )
  or not exists (
    select from concurrency_waiters elsewhere
    join concurrency_limits full_
      on full_.workspace_id = elsewhere.workspace_id and full_.id = elsewhere.limit_id
    cross join lateral (
      select coalesce(sum(slot.slots), 0) as slots,
        coalesce(max(slot.expires_at), cast(:now as timestamptz)) as last
      from concurrency_slots slot
      where slot.workspace_id = :workspace_id and slot.limit_id = elsewhere.limit_id
        and (slot.expires_at is null or slot.expires_at > :now)
    ) held
    where elsewhere.workspace_id = :workspace_id and elsewhere.lease_id = waiter.lease_id
      and elsewhere.limit_id <> all(wanted.here)
      and elsewhere.slots + case when full_.slot_decay_per_second > 0
        then full_.slot_decay_per_second * extract(epoch from held.last - cast(:now as timestamptz))
        else held.slots end > full_.slot_limit
  )
)
