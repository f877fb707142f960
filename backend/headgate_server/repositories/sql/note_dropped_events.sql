-- Notes for each workspace how far its events are gone with a day that is to be dropped: of those in
-- it, the highest number that lies before all that are kept. One that was told late may lie behind
-- some.
update workspaces set dropped_event = gone.sequence
from workspaces w
left join lateral (
  select sequence from events
  where workspace_id = w.id and (
    occurred_at < cast(cast(:day as text) as date)::timestamp at time zone 'UTC'
    or occurred_at >= (cast(cast(:day as text) as date) + 1)::timestamp at time zone 'UTC'
  )
  order by sequence limit 1
) kept on true
cross join lateral (
  select sequence from events
  where workspace_id = w.id and (kept.sequence is null or sequence < kept.sequence)
    and occurred_at >= cast(cast(:day as text) as date)::timestamp at time zone 'UTC'
    and occurred_at < (cast(cast(:day as text) as date) + 1)::timestamp at time zone 'UTC'
  order by sequence desc limit 1
) gone
where cast(:parent as text) = 'events'
  and workspaces.id = w.id and workspaces.dropped_event < gone.sequence
