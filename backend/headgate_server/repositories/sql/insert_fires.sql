-- Enters instants in the ledger, each once for ever; returns those that nobody had entered.
insert into schedule_fires (workspace_id, schedule_id, fire_at, run_id, outcome, created_at, tzdata)
select workspace_id, schedule_id, fire_at, run_id,
  case when run_id is null then 'SKIPPED' else 'CREATED' end, cast(:now as timestamptz),
  cast(:tzdata as text)
from unnest(
  cast(:workspace_ids as uuid[]), cast(:schedule_ids as uuid[]), cast(:fires_at as timestamptz[]),
  cast(:run_ids as uuid[])
) as fire(workspace_id, schedule_id, fire_at, run_id)
order by workspace_id, schedule_id, fire_at
on conflict do nothing
returning run_id
