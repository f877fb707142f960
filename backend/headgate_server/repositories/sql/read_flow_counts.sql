-- Counts the runs of a flow by bucket and state from the counted hours, and from the runs in
-- those that changed since.
-- include runs_of_stale_hours
      and flow_id = :scope_id
    offset 0
  ) as run
-- include counted_by_hours
