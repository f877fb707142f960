-- Locks those of some runs that nobody else holds, then their work items, in the order of ids.
with run as (
  select * from flow_runs
  where workspace_id = :workspace_id and id = any(:run_ids)
  order by id
  for update skip locked
), item as (
  select work_items.* from work_items
  join run on work_items.workspace_id = run.workspace_id and work_items.run_id = run.id
  order by work_items.run_id
  for update of work_items
)
select
-- include locked_run_columns
from run left join item on item.run_id = run.id
