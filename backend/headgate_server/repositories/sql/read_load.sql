-- What waits and what is held, in one row. Whatever could be counted without end is counted up to
-- :most only; of the pools, those are named whose work has waited longest. A run is late from
-- late_due_at on, which is gone once it was marked.
with oldest as (
  select pool.id, first.due_at
  from work_pools pool
  cross join lateral (
    select item.due_at from work_items item
    where item.work_pool_id = pool.id and item.phase = 'READY' and not item.is_held
      and item.due_at <= :now
    order by item.due_at
    limit 1
  ) first
  order by first.due_at, pool.id
  limit :pools
), waiting as (
  select oldest.id, oldest.due_at, (
    select count(*) from (
      select from work_items item
      where item.work_pool_id = oldest.id and item.phase = 'READY' and not item.is_held
        and item.due_at <= :now
      limit :most
    ) counted
  ) as size
  from oldest
), leases as (
  select phase, count(*) as size from work_items where phase <> 'READY' group by phase
), sessions as (
  select state, count(*) as size from agent_sessions where ended_at is null group by state
)
select
  coalesce((
    select jsonb_agg(jsonb_build_array(
      id, size, extract(epoch from cast(:now as timestamptz) - due_at)::float8
    ) order by due_at, id) from waiting
  ), '[]') as pools,
  coalesce((select jsonb_object_agg(phase, size) from leases), '{}') as leases,
  coalesce((select jsonb_object_agg(state, size) from sessions), '{}') as sessions,
  (select count(*) from (select from outbox limit :most) counted) as outbox_size,
  coalesce((
    select extract(epoch from cast(:now as timestamptz) - entered_at)::float8
    from outbox order by id limit 1
  ), 0) as outbox_age_seconds,
  jsonb_build_object(
    'work_items', pg_stat_get_dead_tuples('work_items'::regclass),
    'outbox', pg_stat_get_dead_tuples('outbox'::regclass)
  ) as dead_rows,
  (select count(*) from (
    select from work_items
    where phase = 'READY' and not is_held
      and coalesce(late_due_at, '-infinity') <= cast(:now as timestamptz)
    limit :most
  ) counted) as late_runs,
  extract(epoch from cast(:now as timestamptz) - control.last_tick_at)::float8
    as tick_age_seconds,
  extract(epoch from cast(:now as timestamptz) - control.last_served_at)::float8
    as served_age_seconds,
  coalesce(greatest(extract(epoch from cast(:now as timestamptz) - (
    select min(next_fire_at) from schedules where is_active
  ))::float8, 0), 0) as schedule_lag_seconds
from control_plane control
where control.id = 1
