-- Reads what organizations may use and what they used, as of now: one row each.
with asked as (
  select unnest(cast(:organization_ids as uuid[])) as id
), used as (
  select organization_id, day, runs, restarts, run_bytes, api_points, log_bytes from usage_days
  where organization_id = any(cast(:organization_ids as uuid[]))
  union all
  select organization_id, day, runs, restarts, run_bytes, api_points, log_bytes from usage_deltas
  where organization_id = any(cast(:organization_ids as uuid[]))
), kept as (
  select
    organization_id, max(logs_kept_days) as logs, max(runs_kept_days) as runs,
    max(greatest(runs_kept_days, events_kept_days)) as longest
  from workspaces
  where organization_id = any(cast(:organization_ids as uuid[])) and deleted_at is null
  group by organization_id
)
select
  asked.id,
  (select jsonb_object_agg(kind, most) from quotas where organization_id = asked.id) as own,
  (select jsonb_object_agg(kind, most) from quota_defaults) as defaults,
  coalesce(sum(used.runs) filter (where used.day = cast(:today as date)), 0)::bigint as today_runs,
  coalesce(sum(used.restarts) filter (where used.day = cast(:today as date)), 0)::bigint as today_restarts,
  coalesce(sum(used.run_bytes) filter (where used.day = cast(:today as date)), 0)::bigint as today_run_bytes,
  coalesce(sum(used.api_points) filter (where used.day = cast(:today as date)), 0)::bigint as today_api_points,
  coalesce(sum(used.log_bytes) filter (where used.day = cast(:today as date)), 0)::bigint as today_log_bytes,
  coalesce(sum(used.runs) filter (where used.day >= cast(:month as date)), 0)::bigint as month_runs,
  coalesce(sum(used.restarts) filter (where used.day >= cast(:month as date)), 0)::bigint as month_restarts,
  coalesce(sum(used.run_bytes) filter (where used.day >= cast(:month as date)), 0)::bigint as month_run_bytes,
  coalesce(sum(used.api_points) filter (where used.day >= cast(:month as date)), 0)::bigint as month_api_points,
  coalesce(sum(used.log_bytes) filter (where used.day >= cast(:month as date)), 0)::bigint as month_log_bytes,
  (coalesce(sum(used.log_bytes) filter (where used.day > cast(:today as date) - kept.logs::int), 0)
    + coalesce(sum(used.run_bytes) filter (where used.day > cast(:today as date) - kept.runs::int), 0)
    + (select coalesce(sum(size_bytes), 0) from stored_sizes where organization_id = asked.id)
  )::bigint as stored_bytes,
  coalesce(max(kept.longest), 0) as kept_days
from asked
left join used on used.organization_id = asked.id
left join kept on kept.organization_id = asked.id
group by asked.id
