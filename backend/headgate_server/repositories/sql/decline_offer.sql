-- Gives one offer back, due again after what the agent asked for, and longer each time it is
-- declined: a run that nobody takes now does not run to and fro between agents and server. The
-- delivery does not count: it was answered.
update work_items set
  phase = 'READY', session_id = null, token = null, fence_until = null, offered_at = null,
  epoch = epoch + 1, deliveries = greatest(deliveries - 1, 0), declines = declines + 1,
  due_at = greatest(due_at, cast(:now as timestamptz) + greatest(
    cast(:retry_after as interval),
    least(
      cast(:step as interval) * (power(2, least(declines, 30)) - 1), cast(:longest as interval)
    )
  ))
where workspace_id = :workspace_id and run_id = :run_id and token = :token and epoch = :epoch
  and phase = 'OFFERED' and session_id = :session_id
returning work_pool_id, due_at, declines
