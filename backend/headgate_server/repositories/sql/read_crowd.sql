-- Reads who holds a limited deployment's room, who waits for it already, and who waits under which
-- key. Of those who wait no more are read than matter: the first of all, and the first of those who
-- are not patient, as runs of backfills are. The caller holds the deployment's lock. What is due is
-- so by the clock, not as of the transaction's beginning: whoever waited for the lock sees what was
-- made meanwhile. Of which kind a run is, is looked up for each: a join might read all runs.
with held as (
  select run_id, due_at from work_items
  where deployment_id = :deployment_id and phase <> 'READY' and is_limited
    and run_id <> all(cast(:new_ids as uuid[]))
), first as (
  select run_id, due_at from work_items
  where deployment_id = :deployment_id and phase = 'READY' and is_limited
    and due_at <= (select cast(:now as timestamptz) + (clock_timestamp() - now()))
    and collides_at is null and run_id <> all(cast(:new_ids as uuid[]))
  order by due_at, run_id
  limit :most
), impatient as (
  select item.run_id, item.due_at from work_items item
  where item.deployment_id = :deployment_id and item.phase = 'READY' and item.is_limited
    and item.due_at <= (select cast(:now as timestamptz) + (clock_timestamp() - now()))
    and item.collides_at is null and item.run_id <> all(cast(:new_ids as uuid[]))
    and (
      select run.triggered_by ->> 'type' from flow_runs run where run.id = item.run_id
    ) is distinct from 'backfill'
  order by item.due_at, item.run_id
  limit :most
), crowd as (
  select 'held' as what, * from held
  union all
  select 'ahead', * from first
  union
  select 'ahead', * from impatient
)
(
  select crowd.what, crowd.run_id, cast(null as text) as key,
    (
      select run.triggered_by ->> 'type' from flow_runs run where run.id = crowd.run_id
    ) is not distinct from 'backfill' as is_patient
  from crowd
  order by crowd.what, crowd.due_at, crowd.run_id
)
union all
(
  select distinct on (coalesce(collision_key, '')) 'waiting', run_id, coalesce(collision_key, ''),
    false
  from work_items
  where deployment_id = :deployment_id and phase = 'READY' and is_limited
    and due_at <= (select cast(:now as timestamptz) + (clock_timestamp() - now()))
    and collides_at is null and coalesce(collision_key, '') = any(cast(:keys as text[]))
    and run_id <> all(cast(:new_ids as uuid[]))
  order by coalesce(collision_key, ''), due_at, run_id
)
