-- Lists who was shown a token of keys: whoever made a key or gave it a new secret, and where that
-- was done with a key, whoever was shown a token of that one.
with recursive shown as (
  select id as key_id, cast(null as uuid) as actor_id from api_keys
  where organization_id = :organization_id
    and (id = any(cast(:key_ids as uuid[])) or owner_id = any(cast(:owner_ids as uuid[])))
  union
  select entry.api_key_id, entry.actor_id
  from shown
  join audit_entries as entry
    on entry.organization_id = :organization_id and entry.target_id = shown.key_id
  where entry.action in ('api_key.created', 'api_key.rotated')
)
select distinct actor_id from shown where actor_id is not null
