-- Renews the leases a holder shows, all in one statement, and tells what it should know of each.
with shown as (
  select * from unnest(
    cast(:run_ids as uuid[]), cast(:tokens as uuid[]), cast(:epochs as bigint[])
  ) as s(run_id, token, epoch)
), held as (
  select item.workspace_id, item.run_id, item.unresponsive_at
  from work_items item
  join shown on shown.run_id = item.run_id and shown.token = item.token
    and shown.epoch = item.epoch
  where item.workspace_id = :workspace_id and item.phase in ('CLAIMED', 'RUNNING')
  order by item.run_id
  for update of item
), renewed as (
  update work_items item set
    last_seen_at = :now, unresponsive_at = null,
    fence_until = cast(:now as timestamptz) + case
      when item.phase = 'CLAIMED' then cast(:lease as interval)
      when item.on_agent_lost = 'RETRY' then item.fence_ms * interval '1 millisecond'
      else item.abandon_after_ms * interval '1 millisecond' end
  from held
  where item.workspace_id = held.workspace_id and item.run_id = held.run_id
  returning item.run_id, item.epoch, item.cancel_requested_at
), back as (
  update flow_runs set unresponsive_since = null, updated_at = :now
  from held
  where held.unresponsive_at is not null
    and flow_runs.workspace_id = held.workspace_id and flow_runs.id = held.run_id
  returning flow_runs.id
)
select
  shown.run_id, shown.epoch, renewed.run_id is not null as is_renewed,
  renewed.cancel_requested_at, run.id is not null as is_known,
  coalesce(run.state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED'), false) as is_ended,
  back.id is not null as is_back
from shown
left join renewed on renewed.run_id = shown.run_id
left join flow_runs run on run.workspace_id = :workspace_id and run.id = shown.run_id
left join back on back.id = shown.run_id
