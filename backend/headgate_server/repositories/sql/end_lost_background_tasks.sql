-- Ends what no worker is to take again: calls that were to be cancelled when their worker was lost,
-- and calls that too many workers were lost with.
with lost as (
  select id from background_tasks
  where workspace_id = :workspace_id and leased_until <= :now
    and (cancel_requested_at is not null or (is_started and losses >= :most_losses))
  limit :most
  for update skip locked
)
update background_tasks as task set
  state_type = case when cancel_requested_at is null then 'CRASHED' else 'CANCELLED' end,
  state_name = case when cancel_requested_at is null then 'Crashed' else 'Cancelled' end,
  message = case when cancel_requested_at is null then cast(:message as text)
    else 'Its worker was lost after it was asked to stop.' end,
  losses = losses + 1, leased_until = null, ended_at = :now
from lost
where task.workspace_id = :workspace_id and task.id = lost.id
returning task.id
