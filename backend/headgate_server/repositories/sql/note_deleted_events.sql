-- Notes for a workspace how far its events are gone, as some were deleted: of those, the highest
-- number that lies before all that are kept. One that was told late may lie behind some.
update workspaces set dropped_event = greatest(dropped_event, (
  select max(gone.number)
  from unnest(cast(:numbers as bigint[])) as gone(number)
  where gone.number < coalesce((
    select sequence from events where workspace_id = :workspace_id order by sequence limit 1
  ), gone.number + 1)
))
where id = :workspace_id
