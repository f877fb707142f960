-- Searches the lines of some chunks, the latest first.
select line.flow_run_id, line.sequence, line."timestamp", line.level, line.logger, line.message,
  line.task_run_id
from unnest(
  cast(:runs as uuid[]), cast(:firsts as bigint[]), cast(:lasts as bigint[]),
  cast(:first_ats as timestamptz[]), cast(:last_ats as timestamptz[])
) as chunk(flow_run_id, first_sequence, last_sequence, first_at, last_at)
cross join lateral (
  select * from logs
  where logs.workspace_id = :workspace_id and logs.flow_run_id = chunk.flow_run_id
    and logs.sequence between chunk.first_sequence and chunk.last_sequence
    and logs."timestamp" between chunk.first_at and chunk.last_at
    and (cast(:min_level as bigint) is null or logs.level >= cast(:min_level as bigint))
    and (cast(:since as timestamptz) is null or logs."timestamp" >= cast(:since as timestamptz))
    and (cast(:until as timestamptz) is null or logs."timestamp" < cast(:until as timestamptz))
    and (
      cast(:at as timestamptz) is null
      or (logs."timestamp", logs.flow_run_id, logs.sequence)
        < (cast(:at as timestamptz), cast(:run_id as uuid), cast(:sequence as bigint))
    )
    and (cast(:pattern as text) is null or logs.message ~* cast(:pattern as text))
) line
order by line."timestamp" desc, line.flow_run_id desc, line.sequence desc
limit cast(:most as bigint)
