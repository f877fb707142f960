-- Whether a place in the line of a limit is still somebody's: a run that is over, or out of its process,
-- leaves it behind until it expires. ``waiter`` is the place.
waiter.expires_at > cast(:now as timestamptz)
and (waiter.run_id is null or exists (
  select from work_items item
  where item.workspace_id = waiter.workspace_id and item.run_id = waiter.run_id
    and item.phase <> 'READY'
))
