-- Leases to a worker what it may take next: of the tasks that it knows, those whose turn comes first,
-- as many as it has room for. What another worker's lease ran out on is taken as well; two workers
-- never get the same one, for rows are locked and leased in one statement. That the worker looked is
-- noted every few seconds, and what looked long ago is forgotten.
with room as (
  select greatest(:limit - count(*), 0) as places
  from background_tasks
  where workspace_id = :workspace_id and worker_id = :worker_id and leased_until > :now
), waiting as (
  select candidate.id, candidate.turn_at
  from unnest(cast(:task_keys as text[])) as known (task_key)
  cross join lateral (
    select task.id, task.turn_at
    from background_tasks as task
    where task.workspace_id = :workspace_id and task.task_key = known.task_key
      and task.ended_at is null and task.due_at <= :now and task.cancel_requested_at is null
      and (task.leased_until is null or task.leased_until <= :now)
      and task.losses + cast(
        task.leased_until is not null and task.is_started as integer
      ) <= :most_losses
    order by task.turn_at, task.id
    limit (select places from room)
    for update skip locked
  ) as candidate
), chosen as (
  select id from waiting order by turn_at, id limit (select places from room)
), seen as (
  insert into task_workers (workspace_id, id, task_keys, task_limit, last_seen_at)
  values (:workspace_id, :worker_id, cast(:task_keys as text[]), :limit, :now)
  on conflict (workspace_id, id) do update set
    task_keys = excluded.task_keys, task_limit = excluded.task_limit,
    last_seen_at = excluded.last_seen_at
  where task_workers.last_seen_at <= excluded.last_seen_at - cast(:seen_for as interval)
), gone as (
  delete from task_workers where (workspace_id, id) in (
    select old.workspace_id, old.id from task_workers old
    where old.workspace_id = :workspace_id and old.id <> :worker_id
      and old.last_seen_at < cast(:now as timestamptz) - cast(:forgotten_after as interval)
    for update skip locked
  )
)
update background_tasks as task set
  worker_id = :worker_id, token = gen_random_uuid(), epoch = task.epoch + 1,
  leased_until = cast(:until as timestamptz), is_started = false,
  losses = task.losses + cast(task.leased_until is not null and task.is_started as integer),
  state_type = 'PENDING', state_name = 'Pending', message = null,
  states = with_state(task.states, 'PENDING', 'Pending', :now, null, task.epoch + 1)
from chosen
where task.workspace_id = :workspace_id and task.id = chosen.id
returning task.*
