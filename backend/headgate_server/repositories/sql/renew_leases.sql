-- Renews the leases that holders show, all in one statement, and tells what each should know.
-- Each is looked up in the workspace of whoever shows it: one statement serves many tenants, and
-- so waits for none of them. What somebody else holds is left as it is, and told apart.
with shown as (
  select * from unnest(
    cast(:workspace_ids as uuid[]), cast(:run_ids as uuid[]), cast(:tokens as uuid[]),
    cast(:epochs as bigint[])
  ) with ordinality as s(workspace_id, run_id, token, epoch, place)
), held as (
  select item.workspace_id, item.run_id, item.token, item.epoch, item.unresponsive_at
  from work_items item
  where item.phase in ('CLAIMED', 'RUNNING') and exists (
    select from shown
    where shown.workspace_id = item.workspace_id and shown.run_id = item.run_id
      and shown.token = item.token and shown.epoch = item.epoch
  ) and item.workspace_id = any(cast(:workspace_ids as uuid[]))
    and item.run_id = any(cast(:run_ids as uuid[]))
  order by item.run_id
  for update of item skip locked
), away as (
  -- A run that somebody else holds is never waited for, with its item in hand: who changes a run
  -- locks the item after it. It stays away until the next renewal.
  select run.workspace_id, run.id
  from held join flow_runs run on run.workspace_id = held.workspace_id and run.id = held.run_id
  where held.unresponsive_at is not null
  for no key update of run skip locked
), renewed as (
  update work_items item set
    last_seen_at = :now,
    unresponsive_at = case when away.id is null then item.unresponsive_at end,
    fence_until = cast(:now as timestamptz) + case
      when item.phase = 'CLAIMED' then cast(:lease as interval)
      when item.on_agent_lost = 'RETRY' then item.fence_ms * interval '1 millisecond'
      else item.abandon_after_ms * interval '1 millisecond' end
  from held left join away on away.workspace_id = held.workspace_id and away.id = held.run_id
  where item.workspace_id = held.workspace_id and item.run_id = held.run_id
  returning item.workspace_id, item.run_id, item.token, item.epoch, item.cancel_requested_at,
    item.cancel_grace_seconds, item.pause_key, item.pause_kind
), back as (
  update flow_runs set unresponsive_since = null, updated_at = :now
  from away
  where flow_runs.workspace_id = away.workspace_id and flow_runs.id = away.id
  returning flow_runs.workspace_id, flow_runs.id
)
select
  shown.run_id, shown.epoch, renewed.run_id is not null as is_renewed,
  renewed.cancel_requested_at is not null as is_cancel_requested, renewed.cancel_grace_seconds,
  renewed.pause_key, renewed.pause_kind,
  run.id is not null as is_known,
  coalesce(run.state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED'), false) as is_ended,
  renewed.run_id is not null and back.id is not null as is_back,
  renewed.run_id is null and item.run_id is not null as is_held
from shown
left join renewed on renewed.workspace_id = shown.workspace_id
  and renewed.run_id = shown.run_id and renewed.token = shown.token and renewed.epoch = shown.epoch
left join work_items item on item.workspace_id = shown.workspace_id
  and item.run_id = shown.run_id and item.token = shown.token and item.epoch = shown.epoch
  and item.phase in ('CLAIMED', 'RUNNING')
left join flow_runs run on run.workspace_id = shown.workspace_id and run.id = shown.run_id
left join back on back.workspace_id = shown.workspace_id and back.id = shown.run_id
order by shown.place
