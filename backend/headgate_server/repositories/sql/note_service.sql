-- Records that the API serves. Where it had not for longer than the grace, the silence was ours:
-- whatever was alive when it began gets as much more time, in the same statement, so that nobody
-- is judged in between: leases, cancels that were to be confirmed, slots and places in line that are
-- renewed, locks, and questions that nobody could answer. A rate gives its slots back meanwhile. The row's lock lets one
-- replica only add an outage. Leases are locked before sessions, in the order of heartbeats: the other
-- way round they would wait for each other.
-- Returns how long it lasted where anything was alive: before the very first API nothing is missed.
with before as (
  select last_served_at from control_plane where id = 1 for update
), outage as (
  select last_served_at as began_at, cast(:now as timestamptz) - last_served_at as lasted
  from before
  where last_served_at < cast(:now as timestamptz) - cast(:grace as interval)
), served as (
  update control_plane set last_served_at = greatest(before.last_served_at, :now)
  from before
  where id = 1
), held as materialized (
  select item.workspace_id, item.run_id
  from work_items item, outage
  where item.phase in ('CLAIMED', 'RUNNING') and item.fence_until >= outage.began_at
  order by item.run_id
  for update of item
), leases as (
  update work_items item set
    fence_until = item.fence_until + outage.lasted,
    last_seen_at = item.last_seen_at + outage.lasted,
    cancel_requested_at = case when item.cancel_requested_at is not null
      then least(item.cancel_requested_at + outage.lasted, cast(:now as timestamptz)) end
  from held, outage
  where item.workspace_id = held.workspace_id and item.run_id = held.run_id
  returning item.run_id
), calls as (
  update background_tasks task set
    leased_until = task.leased_until + outage.lasted,
    cancel_requested_at = case when task.cancel_requested_at is not null
      then least(task.cancel_requested_at + outage.lasted, cast(:now as timestamptz)) end
  from outage
  where task.leased_until >= outage.began_at
), slots as (
  update concurrency_slots slot set expires_at = slot.expires_at + outage.lasted
  from outage, concurrency_limits taken
  where slot.expires_at >= outage.began_at
    and taken.workspace_id = slot.workspace_id and taken.id = slot.limit_id
    and taken.slot_decay_per_second = 0
), lines as (
  update concurrency_waiters waiter set expires_at = waiter.expires_at + outage.lasted
  from outage
  where waiter.expires_at >= outage.began_at
), computed as (
  update cache_records record set locked_until = record.locked_until + outage.lasted
  from outage
  where record.locked_until >= outage.began_at
), asked as (
  update pauses pause set expires_at = pause.expires_at + outage.lasted
  from outage
  where pause.status = 'WAITING' and pause.expires_at >= outage.began_at
), sessions as (
  update agent_sessions session set last_seen_at = session.last_seen_at + outage.lasted
  from outage, (select count(*) from leases) as leased
  where session.ended_at is null
  returning session.id
)
select lasted from outage where exists (select from leases) or exists (select from sessions)
