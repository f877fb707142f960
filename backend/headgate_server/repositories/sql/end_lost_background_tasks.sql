-- Settles the calls whose worker's lease has run out: those that were to be cancelled end, as do those
-- that too many workers were lost with; the others wait for a worker again.
with lost as (
  select id, is_started, cancel_requested_at is not null as is_cancelled,
    cancel_requested_at is null and is_started and losses >= :most_losses as is_crashed
  from background_tasks
  where workspace_id = :workspace_id and leased_until <= :now
  limit :most
  for update skip locked
), settled as (
  select id, is_cancelled or is_crashed as is_over,
    case when is_cancelled then 'CANCELLED' when is_crashed then 'CRASHED'
      else 'SCHEDULED' end as state_type,
    case when is_cancelled then 'Cancelled' when is_crashed then 'Crashed'
      else 'Scheduled' end as state_name,
    case when is_cancelled then 'Its worker was lost after it was asked to stop.'
      when is_crashed then cast(:message as text)
      when is_started then 'Its worker was lost; it waits for another.' end as message
  from lost
)
update background_tasks as task set
  state_type = settled.state_type, state_name = settled.state_name, message = settled.message,
  states = with_state(
    task.states, settled.state_type, settled.state_name, :now, settled.message, task.epoch
  ),
  losses = losses + cast(is_started as integer), is_started = false, leased_until = null,
  ended_at = case when settled.is_over then cast(:now as timestamptz) end
from settled
where task.workspace_id = :workspace_id and task.id = settled.id
returning task.id
