-- Appends lines to a run's log and moves the stream's offset; the caller locked the cursor's row.
-- Their words are noted later: at once where many lines wait for it, else within half a minute.
with line as (
  insert into logs (
    workspace_id, flow_run_id, sequence, "timestamp", level, logger, message, task_run_id
  )
  select
    cast(:workspace_id as uuid), cast(:flow_run_id as uuid), cast(:first as bigint) + place - 1,
    timestamptz 'epoch' + at_us * interval '1 microsecond', level, logger, message, task_run_id
  from unnest(
    cast(:timestamps as bigint[]), cast(:levels as bigint[]), cast(:loggers as text[]),
    cast(:messages as text[]), cast(:task_run_ids as uuid[])
  ) with ordinality as l(at_us, level, logger, message, task_run_id, place)
)
update flow_run_cursors set
  log_sequence = log_sequence + cast(:size as bigint),
  log_streams = log_streams || jsonb_build_object(
    cast(:stream_id as text), cast(:next_offset as bigint)),
  chunk_due_at = case
    when cast(:size as bigint) = 0 then chunk_due_at
    when log_sequence + cast(:size as bigint) - chunked_sequence >= 500
      then least(coalesce(chunk_due_at, now()), now())
    else coalesce(chunk_due_at, now() + interval '30 seconds')
  end
where workspace_id = :workspace_id and flow_run_id = :flow_run_id
