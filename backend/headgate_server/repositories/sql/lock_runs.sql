-- Locks those of some runs that nobody else holds, then their work items, in the order of ids.
with run as (
  select * from flow_runs
  where workspace_id = :workspace_id and id = any(:run_ids)
  order by id
  for update skip locked
),
-- include locked_items
