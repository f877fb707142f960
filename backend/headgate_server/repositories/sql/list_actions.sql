-- Lists which actions an organization's audit log has, one step through the index for each.
with recursive known as (
  (
    select action from audit_entries
    where organization_id = :organization_id order by action limit 1
  )
  union all
  select (
    select entry.action from audit_entries entry
    where entry.organization_id = :organization_id and entry.action > known.action
    order by entry.action limit 1
  )
  from known where known.action is not null
)
select action from known where action is not null
