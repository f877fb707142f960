-- Sums up what was counted, a bounded number of rows at a time; rows that somebody else sums stay.
with taken as (
  delete from usage_deltas
  where (organization_id, id) in (
    select organization_id, id from usage_deltas order by organization_id, id
    limit :most for update skip locked
  )
  returning organization_id, day, runs, restarts, run_bytes, api_points, log_bytes
), summed as (
  select
    taken.organization_id, taken.day, sum(taken.runs)::bigint as runs,
    sum(taken.restarts)::bigint as restarts,
    sum(taken.run_bytes)::bigint as run_bytes, sum(taken.api_points)::bigint as api_points,
    sum(taken.log_bytes)::bigint as log_bytes
  from taken
  join organizations on organizations.id = taken.organization_id
  group by taken.organization_id, taken.day
  order by taken.organization_id, taken.day
), added as (
  insert into usage_days as d (
    organization_id, day, runs, restarts, run_bytes, api_points, log_bytes
  )
  select organization_id, day, runs, restarts, run_bytes, api_points, log_bytes from summed
  on conflict (organization_id, day) do update set
    runs = d.runs + excluded.runs, restarts = d.restarts + excluded.restarts,
    run_bytes = d.run_bytes + excluded.run_bytes,
    api_points = d.api_points + excluded.api_points, log_bytes = d.log_bytes + excluded.log_bytes
)
select organization_id, count(*)::bigint as size from taken group by organization_id
