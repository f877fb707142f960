-- Lists those of some offers and leases that are good no more, and whether their own holder ended
-- them: what the run entered last was of the same epoch then, and proposed by the holder.
with shown as (
  select * from unnest(
    cast(:workspace_ids as uuid[]), cast(:run_ids as uuid[]), cast(:tokens as uuid[]),
    cast(:epochs as bigint[])
  ) as s(workspace_id, run_id, token, epoch)
)
select shown.run_id, shown.epoch, run.state_name,
  coalesce(
    run.last_epoch = shown.epoch and state.decision -> 'facts' ->> 'proposer' = 'HOLDER', false
  ) as is_own_end
from shown
left join work_items item
  on item.workspace_id = shown.workspace_id and item.run_id = shown.run_id
  and item.token = shown.token and item.epoch = shown.epoch
left join flow_runs run on run.workspace_id = shown.workspace_id and run.id = shown.run_id
left join states state
  on state.workspace_id = run.workspace_id and state.flow_run_id = run.id
  and state.sequence = run.state_sequence and state."timestamp" = run.state_timestamp
where item.run_id is null
