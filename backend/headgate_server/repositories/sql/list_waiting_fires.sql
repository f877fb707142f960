-- The first instants of schedules after a time whose runs were made and wait for an agent.
select wanted.id as schedule_id, fire.fire_at
from unnest(cast(:schedule_ids as uuid[])) as wanted(id)
cross join lateral (
  select ledger.fire_at
  from schedule_fires ledger
  where ledger.workspace_id = cast(:workspace_id as uuid) and ledger.schedule_id = wanted.id
    and ledger.fire_at > cast(:after as timestamptz)
    and exists (
      select from work_items item
      where item.workspace_id = ledger.workspace_id and item.run_id = ledger.run_id
        and item.phase in ('READY', 'OFFERED')
    )
  order by ledger.fire_at
  limit :most
) as fire
order by wanted.id, fire.fire_at
