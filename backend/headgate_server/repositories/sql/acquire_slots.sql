-- Takes slots of several limits, all or none, or notes who waits for them. The caller has locked the
-- limits in a statement of their own: counted in the statement that takes the lock, what was taken
-- meanwhile would be missed. What is taken is what there are rows of; nothing else is counted.
-- Slots that come back by themselves do so one after the other, from when the last was taken: so
-- many are out as come back until the latest row's end.
-- Who has waited longer, or is more urgent, is served first, however many slots it wants.
with wanted as (
  select id, slot_limit, slot_decay_per_second as decay, cast(:limit_ids as uuid[]) as here
  from concurrency_limits
  where workspace_id = :workspace_id and id = any(cast(:limit_ids as uuid[]))
), own as (
  select count(*) = (select count(*) from wanted) as is_held, max(expires_at) as expires_at,
    coalesce(bool_or(
      slots <> cast(:slots as bigint) or limit_id <> all(cast(:limit_ids as uuid[]))
    ), false) as is_other
  from concurrency_slots
  where workspace_id = :workspace_id and lease_id = :lease_id
    and (expires_at is null or expires_at > :now)
), place as (
  select coalesce(min(since), cast(:now as timestamptz)) as since from concurrency_waiters
  where workspace_id = :workspace_id and lease_id = :lease_id
), use as (
  select wanted.*, taken.last, coalesce(ahead.slots, 0) as ahead,
    case when wanted.decay > 0
      then wanted.decay * greatest(extract(epoch from taken.last - cast(:now as timestamptz)), 0)
      else taken.slots end as used,
    case when wanted.decay > 0 then null else taken.first end as first
  from wanted
  cross join lateral (
    select coalesce(sum(slots), 0) as slots, min(expires_at) as first,
      coalesce(max(expires_at), :now) as last
    from concurrency_slots slot
    where slot.workspace_id = :workspace_id and slot.limit_id = wanted.id
      and slot.lease_id <> :lease_id and (slot.expires_at is null or slot.expires_at > :now)
  ) taken
  cross join lateral (
    select sum(slots) as slots from concurrency_waiters waiter
    where waiter.workspace_id = :workspace_id and waiter.limit_id = wanted.id
      and waiter.expires_at > :now and waiter.lease_id <> :lease_id
      and (
        waiter.priority > :priority or waiter.priority = :priority
        and (waiter.since, waiter.lease_id)
          < ((select since from place), cast(:lease_id as uuid))
      )
      and
-- include counts_in_line
  ) ahead
), verdict as (
  select not (select is_other from own) and ((select is_held from own)
    or bool_and(used + ahead + cast(:slots as bigint) <= slot_limit)) as is_acquired
  from use
), lapsed as (
  delete from concurrency_slots slot using wanted
  where slot.workspace_id = :workspace_id and slot.limit_id = wanted.id
    and slot.lease_id <> :lease_id and slot.expires_at <= :now
), taken as (
  insert into concurrency_slots (
    workspace_id, limit_id, lease_id, slots, run_id, epoch, task_id, acquired_at, expires_at
  )
  select :workspace_id, id, :lease_id, :slots,
    case when decay > 0 then null else cast(:run_id as uuid) end,
    case when decay > 0 then null else cast(:epoch as bigint) end,
    case when decay > 0 then null else cast(:task_id as uuid) end, :now,
    case when decay > 0
      then greatest(last, :now) + cast(:slots as bigint) / decay * interval '1 second'
      when cast(:run_id as uuid) is null then cast(:now as timestamptz) + cast(:ttl as interval)
    end
  from use where (select is_acquired from verdict) and not (select is_held from own)
  on conflict (workspace_id, limit_id, lease_id) do update set
    slots = excluded.slots, expires_at = excluded.expires_at, acquired_at = excluded.acquired_at,
    run_id = excluded.run_id, epoch = excluded.epoch, task_id = excluded.task_id
  returning expires_at
), waiting as (
  insert into concurrency_waiters (
    workspace_id, limit_id, lease_id, slots, priority, run_id, task_id, since, expires_at
  )
  select :workspace_id, id, :lease_id, :slots, :priority, cast(:run_id as uuid), cast(:task_id as uuid),
    (select since from place), cast(:now as timestamptz) + cast(:patience as interval)
  from use
  where not (select is_acquired from verdict) and cast(:patience as interval) is not null
    and not (select is_other from own)
  on conflict (workspace_id, limit_id, lease_id) do update set expires_at = excluded.expires_at
), served as (
  delete from concurrency_waiters
  where workspace_id = :workspace_id and lease_id = :lease_id
    and ((select is_acquired from verdict) or cast(:patience as interval) is null)
)
select verdict.is_acquired, (select is_other from own) as is_other,
  (select max(ahead) from use) as ahead,
  case when verdict.is_acquired
    then coalesce((select max(expires_at) from taken), (select expires_at from own))
  end as expires_at,
  (
    select max(case when decay > 0
      then cast(:now as timestamptz) + least(
        greatest(used + ahead + cast(:slots as bigint) - slot_limit, 0) / decay, 86400
      ) * interval '1 second'
      else first end)
    from use where used + ahead + cast(:slots as bigint) > slot_limit
  ) as free_at
from verdict
