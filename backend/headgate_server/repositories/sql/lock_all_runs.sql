-- Locks runs, whoever holds them now, then their work items, in the order of ids: two batches that
-- meet wait for each other, and never in a circle.
with run as (
  select * from flow_runs
  where workspace_id = :workspace_id and id = any(:run_ids)
  order by id
  for update
), item as (
  select work_items.* from work_items
  join run on work_items.workspace_id = run.workspace_id and work_items.run_id = run.id
  order by work_items.run_id
  for update of work_items
)
select
-- include locked_run_columns
from run left join item on item.run_id = run.id
