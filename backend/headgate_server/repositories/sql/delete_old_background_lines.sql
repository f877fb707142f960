-- Deletes what calls logged that ended before a time. It starts from the lines whose calls are of
-- before that time by their ids: calls that have no lines left are many, and not looked at.
with old as materialized (
  select line.workspace_id, line.task_id, line.epoch, line.sequence
  from (
    select workspace_id, task_id, epoch, sequence from background_task_logs
    where workspace_id = :workspace_id and task_id < uuid_floor(cast(:before as timestamptz))
    offset 0
  ) as line
  cross join lateral (
    select ended_at from background_tasks task
    where task.workspace_id = line.workspace_id and task.id = line.task_id
    offset 0
  ) as task
  where task.ended_at < cast(:before as timestamptz)
  limit :most
)
delete from background_task_logs line using old
where line.workspace_id = old.workspace_id and line.task_id = old.task_id
  and line.epoch = old.epoch and line.sequence = old.sequence
