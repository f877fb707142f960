-- Locks a run, then its work item, in that order, and reads both.
with run as (
  select * from flow_runs
  where workspace_id = :workspace_id and id = :run_id
  for update
), item as (
  select work_items.* from work_items
  join run on work_items.workspace_id = run.workspace_id and work_items.run_id = run.id
  for update of work_items
)
select
-- include locked_run_columns
from run left join item on true
