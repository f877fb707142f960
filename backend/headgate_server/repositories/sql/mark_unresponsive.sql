-- Marks running runs whose holder has been silent, once an episode, with their event.
with silent as (
  select workspace_id, run_id, last_seen_at from work_items
  where phase = 'RUNNING' and unresponsive_at is null and last_seen_at < :before
  order by last_seen_at
  limit :most
  for update skip locked
), marked as (
  update work_items item set unresponsive_at = :now
  from silent where item.workspace_id = silent.workspace_id and item.run_id = silent.run_id
), run as (
  update flow_runs set unresponsive_since = silent.last_seen_at, updated_at = :now
  from silent where flow_runs.workspace_id = silent.workspace_id and flow_runs.id = silent.run_id
  returning flow_runs.workspace_id, flow_runs.id, flow_runs.name, silent.last_seen_at
)
select workspace_id, id, name, last_seen_at from run
