-- Marks the items of a locked backfill whose runs have ended, or are gone, with how they ended, and
-- counts what is left, and what has no completed run; with the run that was made last of those that
-- went on: their ids rise with time.
with ended as (
  update backfill_items item set status = 'ENDED', outcome = (
    select run.state_type from flow_runs run
    where run.workspace_id = item.workspace_id and run.id = item.run_id
  )
  where item.workspace_id = :workspace_id and item.backfill_id = :backfill_id
    and item.status = 'STARTED'
    and not exists (
      select from flow_runs run
      where run.workspace_id = item.workspace_id and run.id = item.run_id and run.ended_at is null
    )
  returning item.position, item.outcome
)
select
  count(*) filter (where status = 'WAITING') as waiting,
  count(*) filter (where status = 'STARTED') - (select count(*) from ended) as started,
  count(*) filter (
    where status = 'REFUSED' or status = 'ENDED' and outcome is distinct from 'COMPLETED'
  ) + (select count(*) from ended where outcome is distinct from 'COMPLETED') as failed,
  (select count(*) from ended) as ended,
  cast(max(cast(run_id as text)) filter (where status = 'STARTED') as uuid) as newest
from backfill_items
where workspace_id = :workspace_id and backfill_id = :backfill_id
