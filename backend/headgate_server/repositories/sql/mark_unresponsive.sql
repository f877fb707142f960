-- Marks running runs whose holder has been silent, once an episode, with their event. Those that
-- somebody else holds are left for the next time, and never waited for with their items in hand.
with silent as (
  select workspace_id, run_id, last_seen_at from work_items
  where phase = 'RUNNING' and unresponsive_at is null and last_seen_at < :before
  order by last_seen_at
  limit :most
  for update skip locked
), free as (
  select run.workspace_id, run.id, silent.last_seen_at
  from silent join flow_runs run on run.workspace_id = silent.workspace_id and run.id = silent.run_id
  for no key update of run skip locked
), marked as (
  update work_items item set unresponsive_at = :now
  from free where item.workspace_id = free.workspace_id and item.run_id = free.id
), run as (
  update flow_runs set unresponsive_since = free.last_seen_at, updated_at = :now
  from free where flow_runs.workspace_id = free.workspace_id and flow_runs.id = free.id
  returning flow_runs.workspace_id, flow_runs.id, flow_runs.name, free.last_seen_at
)
select workspace_id, id, name, last_seen_at from run
