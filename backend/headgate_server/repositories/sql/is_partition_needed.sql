-- Whether a run of a day still needs its states, or its log: because it is there, or has not ended,
-- or ended less than its workspace's time ago.
select exists (
  select from workspaces w
  cross join lateral (
    select from flow_runs run
    where run.workspace_id = w.id
      and run.id >= uuid_floor(to_timestamp(:day || ' UTC', 'YYYYMMDD TZ'))
      and run.id < uuid_floor(to_timestamp(:day || ' UTC', 'YYYYMMDD TZ') + interval '1 day')
      and (
        cast(:parent as text) = 'states' or run.ended_at is null
        or run.ended_at >= cast(:now as timestamptz) - w.logs_kept_days * interval '1 day'
      )
    limit 1
  ) needing
)
