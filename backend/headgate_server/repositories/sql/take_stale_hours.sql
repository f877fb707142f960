-- Takes the hours that were marked longest, with the counts they had; hours at work elsewhere stay.
with taken as (
  delete from stale_run_hours
  where (workspace_id, hour) in (
    select workspace_id, hour from stale_run_hours
    where marked_at <= cast(:marked_before as timestamptz)
    order by marked_at limit :most
    for update skip locked
  )
  returning workspace_id, hour
), old as (
  delete from run_counts using taken
  where run_counts.workspace_id = taken.workspace_id and run_counts.hour = taken.hour
)
select workspace_id, hour from taken
