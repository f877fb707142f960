-- Writes lines of a background task for the worker that has, or had, it last: none where another
-- took it. A line that came before stays as it is.
with held as (
  select workspace_id, id from background_tasks
  where workspace_id = :workspace_id and id = :task_id and token = :token and epoch = :epoch
  for key share
), written as (
  insert into background_task_logs (
    workspace_id, task_id, epoch, sequence, "timestamp", level, logger, message
  )
  select held.workspace_id, held.id, :epoch, line.sequence,
    timestamptz 'epoch' + line.at_us * interval '1 microsecond', line.level, line.logger, line.message
  from held cross join unnest(
    cast(:sequences as bigint[]), cast(:timestamps as bigint[]), cast(:levels as bigint[]),
    cast(:loggers as text[]), cast(:messages as text[])
  ) as line(sequence, at_us, level, logger, message)
  on conflict do nothing
)
select exists (select from held) as is_held
