-- Where the events of a workspace end, and how far retention has come in them.
select
  coalesce((
    select sequence from events where workspace_id = w.id order by sequence desc limit 1
  ), 0) as last,
  w.dropped_event as dropped
from workspaces w
where w.id = :workspace_id
