update sla_rules set counted_at = counted.at, counted_run_id = counted.run_id
from unnest(
  cast(:ids as uuid[]), cast(:run_ids as uuid[]), cast(:ats as timestamptz[])
) as counted(id, run_id, at)
where sla_rules.workspace_id = :workspace_id and sla_rules.id = counted.id
