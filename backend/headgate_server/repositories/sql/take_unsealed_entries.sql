-- Takes the oldest entries of an organization that have no place in the chain yet.
with taken as (
  delete from audit_queue
  where organization_id = :organization_id
    and entry_id in (
      select entry_id from audit_queue where organization_id = :organization_id
      order by at, entry_id limit :most for update)
  returning entry_id
)
select audit_entries.* from taken
join audit_entries on audit_entries.organization_id = :organization_id
  and audit_entries.id = taken.entry_id
order by audit_entries.at, audit_entries.id
