-- Removes the runs that schedules made and that nobody has taken up, with their ledger rows,
-- and takes them off what was used on the day they were made.
-- A row that someone else holds is waited for, and looked at again: what was claimed meanwhile
-- stays, what was only marked late or offered goes, and who claims the offer then finds no run. Rows
-- are locked in the order of all transitions; who offers or takes offers back holds items alone, and
-- waits for no run.
with doomed as materialized (
  select run.workspace_id, run.id, (run.created_at at time zone 'UTC')::date as day,
    case when item.phase = 'OFFERED' then item.work_pool_id end as offering_pool_id,
    item.session_id
  from flow_runs as run
  join work_items as item
    on item.workspace_id = run.workspace_id and item.run_id = run.id
  where run.workspace_id = cast(:workspace_id as uuid)
    and run.schedule_id = any(cast(:schedule_ids as uuid[]))
    and run.state_type = 'SCHEDULED' and run.started_at is null and run.attempt = 0
    and item.phase in ('READY', 'OFFERED')
    and (cast(:due_after as timestamptz) is null or item.due_at > cast(:due_after as timestamptz))
  order by run.id
  for update of run, item
), ledger as (
  delete from schedule_fires
  where workspace_id = cast(:workspace_id as uuid)
    and schedule_id = any(cast(:schedule_ids as uuid[]))
    and run_id in (select id from doomed)
), history as (
  delete from states
  where workspace_id = cast(:workspace_id as uuid) and flow_run_id in (select id from doomed)
), removed as (
  delete from flow_runs
  where workspace_id = cast(:workspace_id as uuid) and id in (select id from doomed)
), credited as (
  insert into usage_deltas (organization_id, id, day, runs)
  select workspaces.organization_id, gen_random_uuid(), doomed.day, -count(*)
  from doomed
  join workspaces on workspaces.id = doomed.workspace_id
  group by workspaces.organization_id, doomed.day
)
select id, offering_pool_id, session_id from doomed
