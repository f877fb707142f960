-- Notes for each workspace the highest number of its events in a day that is to be dropped.
update workspaces set dropped_event = gone.sequence
from (
  select workspace_id, max(sequence) as sequence
  from events
  where cast(:parent as text) = 'events'
    and occurred_at >= cast(cast(:day as text) as date)::timestamp at time zone 'UTC'
    and occurred_at < (cast(cast(:day as text) as date) + 1)::timestamp at time zone 'UTC'
  group by workspace_id
) gone
where workspaces.id = gone.workspace_id and workspaces.dropped_event < gone.sequence
