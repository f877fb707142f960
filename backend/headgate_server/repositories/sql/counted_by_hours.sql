  order by stale.hour desc limit cast(:most as bigint) + 1
), changed as materialized (
  select hour, state_type, count(*) as size from read group by hour, state_type
), told as (
  select case when sum(size) > cast(:most as bigint) then min(hour) else '-infinity' end as behind
  from changed
), counted as (
  select hour, state_type, size from run_counts
  where workspace_id = :workspace_id and scope_id = :scope_id
    and hour >= cast(:low as timestamptz) and hour < cast(:high as timestamptz)
    and (hour <= (select behind from told) or hour not in (
      select hour from stale_run_hours
      where workspace_id = :workspace_id
        and hour >= cast(:low as timestamptz) and hour < cast(:high as timestamptz)
    ))
  union all
  select hour, state_type, size from changed where hour > (select behind from told)
)
select
  floor(extract(epoch from hour - cast(:low as timestamptz)) / cast(:seconds as bigint))::bigint
    as place,
  state_type, sum(size)::bigint as size
from counted group by place, state_type
