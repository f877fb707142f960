-- Ends the calls whose workers were asked to stop them, and have not said in time that they did.
with stuck as (
  select id from background_tasks
  where workspace_id = :workspace_id and leased_until is not null
    and cancel_requested_at <= :asked_before
  limit :most
  for update skip locked
)
update background_tasks as task set
  state_type = 'CANCELLED', state_name = 'Cancelled', message = cast(:message as text),
  states = with_state(
    task.states, 'CANCELLED', 'Cancelled', :now, cast(:message as text), task.epoch
  ),
  is_started = false, leased_until = null, ended_at = :now
from stuck
where task.workspace_id = :workspace_id and task.id = stuck.id
returning task.id
