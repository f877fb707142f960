-- Locks the work items of locked runs in the order of ids, and reads both.
item as (
  select work_items.* from work_items
  join run on work_items.workspace_id = run.workspace_id and work_items.run_id = run.id
  order by work_items.run_id
  for update of work_items
)
select
-- include locked_run_columns
from run left join item on item.run_id = run.id
