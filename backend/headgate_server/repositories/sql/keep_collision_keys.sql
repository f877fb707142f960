-- Keeps under which keys runs of a coalescing deployment wait, with them and with their items. The
-- runs are locked in the order of their ids, as by all who change many.
with keyed as (
  select * from unnest(cast(:run_ids as uuid[]), cast(:keys as text[])) as t(run_id, key)
), locked as (
  select run.id, keyed.key from flow_runs run
  join keyed on keyed.run_id = run.id
  where run.workspace_id = :workspace_id
  order by run.id
  for no key update of run
), kept as (
  update flow_runs set collision_key = locked.key
  from locked where flow_runs.workspace_id = :workspace_id and flow_runs.id = locked.id
  returning flow_runs.id, flow_runs.collision_key
)
update work_items set collision_key = kept.collision_key
from kept where work_items.workspace_id = :workspace_id and work_items.run_id = kept.id
