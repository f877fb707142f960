-- Lists whole days of states, logs and events that no workspace keeps, oldest first.
select day.child, day.parent
from (
  select child.relname::text as child, parent.relname::text as parent,
    to_date(right(child.relname, 8), 'YYYYMMDD') + 1 as ended_on
  from pg_inherits link
  join pg_class child on child.oid = link.inhrelid
  join pg_class parent on parent.oid = link.inhparent
  where parent.relname in ('states', 'logs', 'events') and child.relname ~ '_[0-9]{8}$'
) day
cross join (
  select max(runs_kept_days) as runs, max(logs_kept_days) as logs, max(events_kept_days) as events
  from workspaces
) kept
where day.ended_on <= cast(:now as timestamptz)::date - (
  case day.parent when 'states' then kept.runs when 'logs' then kept.logs else kept.events end
)::integer
  and day.ended_on < current_date
order by day.ended_on, day.child
