-- Lets items of a locked backfill that have no completed run wait again. A run that somebody starts
-- again is locked: its item is left to it, so that no second run is made of it.
with failed as (
  select position, run_id from backfill_items
  where workspace_id = :workspace_id and backfill_id = :backfill_id
    and (status = 'REFUSED' or status = 'ENDED' and outcome is distinct from 'COMPLETED')
), ended as (
  select id from flow_runs
  where workspace_id = :workspace_id and id in (select run_id from failed)
    and ended_at is not null and state_type <> 'COMPLETED'
  for no key update skip locked
)
update backfill_items item set status = 'WAITING', run_id = null, error = null, outcome = null
from failed
where item.workspace_id = :workspace_id and item.backfill_id = :backfill_id
  and item.position = failed.position
  and (failed.run_id is null or failed.run_id in (select id from ended) or not exists (
    select from flow_runs run
    where run.workspace_id = item.workspace_id and run.id = failed.run_id
  ))
