-- Reads who holds a limited deployment's room, who waits for it already, and who waits under which
-- key. Of those who wait no more are read than matter; the caller holds the deployment's lock. What
-- is due is so by the clock, not as of the transaction's beginning: whoever waited for the lock sees
-- what was made meanwhile.
(
  select 'held' as what, run_id, cast(null as text) as key from work_items
  where deployment_id = :deployment_id and phase <> 'READY' and is_limited
    and run_id <> all(cast(:new_ids as uuid[]))
  order by due_at, run_id
)
union all
(
  select 'ahead', run_id, null from work_items
  where deployment_id = :deployment_id and phase = 'READY' and is_limited
    and due_at <= (select cast(:now as timestamptz) + (clock_timestamp() - now()))
    and collides_at is null and run_id <> all(cast(:new_ids as uuid[]))
  order by due_at, run_id
  limit :most
)
union all
(
  select distinct on (coalesce(collision_key, '')) 'waiting', run_id, coalesce(collision_key, '')
  from work_items
  where deployment_id = :deployment_id and phase = 'READY' and is_limited
    and due_at <= (select cast(:now as timestamptz) + (clock_timestamp() - now()))
    and collides_at is null and coalesce(collision_key, '') = any(cast(:keys as text[]))
    and run_id <> all(cast(:new_ids as uuid[]))
  order by coalesce(collision_key, ''), due_at, run_id
)
