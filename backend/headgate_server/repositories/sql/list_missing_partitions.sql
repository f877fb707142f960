-- Lists the days that states, logs and events have no partition for, the first day first.
select parent, current_date + number as day
from generate_series(-1, cast(:days_ahead as integer)) number,
  unnest(array['states', 'logs', 'events']) parent
where to_regclass(parent || '_' || to_char(current_date + number, 'YYYYMMDD')) is null
order by day, parent
