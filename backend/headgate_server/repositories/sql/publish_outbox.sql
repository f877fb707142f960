-- Moves the oldest rows of the outbox into the events, numbered, while no other mover is at work,
-- and marks the hours whose counts of runs are no longer right.
with mover as materialized (
  select pg_try_advisory_xact_lock(hashtext('headgate.publish_outbox')) as is_mine
), taken as (
  delete from outbox
  where (select is_mine from mover) and id in (
    select id from outbox where (select is_mine from mover) order by id limit :most
    for update skip locked
  )
  returning *
), published as (
  insert into events (
    workspace_id, sequence, occurred_at, received_at, id, name, resource_id, resource, payload,
    related, follows
  )
  select
    workspace_id, nextval('event_sequence'), occurred_at, :now, event_id, name, resource_id,
    resource, payload, related, follows
  from (select * from taken order by id) as ordered
  returning workspace_id
), marked as (
  insert into stale_run_hours (workspace_id, hour)
  select distinct workspace_id, run_hour from taken where run_hour is not null
  on conflict do nothing
)
select mover.is_mine, moved.workspace_id, coalesce(moved.size, 0) as size
from mover left join (
  select workspace_id, count(*) as size from published group by workspace_id
) as moved on true
