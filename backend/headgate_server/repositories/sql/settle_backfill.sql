-- Marks the items of a locked backfill whose runs have ended, or are gone, and counts what is left.
with ended as (
  update backfill_items item set status = 'ENDED'
  where item.workspace_id = :workspace_id and item.backfill_id = :backfill_id
    and item.status = 'STARTED'
    and not exists (
      select from flow_runs run
      where run.workspace_id = item.workspace_id and run.id = item.run_id and run.ended_at is null
    )
  returning item.position
)
select
  count(*) filter (where status = 'WAITING') as waiting,
  count(*) filter (where status = 'STARTED') - (select count(*) from ended) as started
from backfill_items
where workspace_id = :workspace_id and backfill_id = :backfill_id
  and status in ('WAITING', 'STARTED')
