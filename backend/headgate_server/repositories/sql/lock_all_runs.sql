-- Locks runs, whoever holds them now, then their work items, in the order of ids: two batches that
-- meet wait for each other, and never in a circle.
with run as (
  select * from flow_runs
  where workspace_id = :workspace_id and id = any(:run_ids)
  order by id
  for update
),
-- include locked_items
