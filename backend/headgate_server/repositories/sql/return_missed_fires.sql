-- Removes the runs of schedules that were made ahead and came due while no API served, with their
-- ledger rows, and lets each schedule go on from the first of them: its catch-up settles what
-- becomes of these instants. They are taken off what was used on the day they were made. Schedules
-- are locked before runs, in the order of edits. What somebody took up, or moved to another time,
-- is no longer the schedule's to decide; and what was made after its time is the catch-up's own.
with behind as materialized (
  select distinct run.workspace_id, run.schedule_id
  from work_items item
  join flow_runs run on run.workspace_id = item.workspace_id and run.id = item.run_id
  join schedule_fires fire
    on fire.workspace_id = run.workspace_id and fire.schedule_id = run.schedule_id
    and fire.run_id = run.id and fire.fire_at = item.due_at
  where item.phase = 'READY' and item.due_at >= cast(:since as timestamptz)
    and item.due_at <= cast(:until as timestamptz)
    and run.schedule_id is not null and run.attempt = 0 and run.created_at < item.due_at
  order by run.workspace_id, run.schedule_id
  limit :most
), schedule as materialized (
  select locked.workspace_id, locked.id
  from schedules locked
  join behind on behind.workspace_id = locked.workspace_id and behind.schedule_id = locked.id
  order by locked.workspace_id, locked.id
  for update of locked
), doomed as materialized (
  select run.workspace_id, run.id, run.schedule_id, fire.fire_at,
    (run.created_at at time zone 'UTC')::date as day
  from flow_runs run
  join schedule on schedule.workspace_id = run.workspace_id and schedule.id = run.schedule_id
  join work_items item on item.workspace_id = run.workspace_id and item.run_id = run.id
  join schedule_fires fire
    on fire.workspace_id = run.workspace_id and fire.schedule_id = run.schedule_id
    and fire.run_id = run.id and fire.fire_at = item.due_at
  where run.state_type = 'SCHEDULED' and run.started_at is null and run.attempt = 0
    and item.phase = 'READY' and item.due_at >= cast(:since as timestamptz)
    and item.due_at <= cast(:until as timestamptz) and run.created_at < item.due_at
  order by run.id
  for update of run, item
), ledger as (
  delete from schedule_fires fire using doomed
  where fire.workspace_id = doomed.workspace_id and fire.schedule_id = doomed.schedule_id
    and fire.fire_at = doomed.fire_at
), history as (
  delete from states using doomed
  where states.workspace_id = doomed.workspace_id and states.flow_run_id = doomed.id
), removed as (
  delete from flow_runs run using doomed
  where run.workspace_id = doomed.workspace_id and run.id = doomed.id
), stepped as (
  update schedules set next_fire_at = least(schedules.next_fire_at, first.fire_at)
  from (
    select workspace_id, schedule_id, min(fire_at) as fire_at
    from doomed
    group by workspace_id, schedule_id
  ) as first
  where schedules.workspace_id = first.workspace_id and schedules.id = first.schedule_id
), credited as (
  insert into usage_deltas (organization_id, id, day, runs)
  select workspaces.organization_id, gen_random_uuid(), doomed.day, -count(*)
  from doomed
  join workspaces on workspaces.id = doomed.workspace_id
  group by workspaces.organization_id, doomed.day
)
select workspace_id, id from doomed
