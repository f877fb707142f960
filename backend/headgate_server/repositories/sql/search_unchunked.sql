-- Searches the lines whose words are not noted yet, the latest first.
select line.flow_run_id, line.sequence, line."timestamp", line.level, line.logger, line.message,
  line.task_run_id
from flow_run_cursors newest
cross join lateral (
  select * from logs
  where logs.workspace_id = :workspace_id and logs.flow_run_id = newest.flow_run_id
    and logs.sequence > newest.chunked_sequence
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
where newest.workspace_id = :workspace_id and newest.chunk_due_at is not null
  and (
    cast(:of_run as uuid) is null or newest.flow_run_id = cast(:of_run as uuid)
  )
  and (
    cast(:of_flow as uuid) is null or exists (
      select from flow_runs run
      where run.workspace_id = :workspace_id and run.id = newest.flow_run_id
        and run.flow_id = cast(:of_flow as uuid)
    )
  )
order by line."timestamp" desc, line.flow_run_id desc, line.sequence desc
limit cast(:most as bigint)
