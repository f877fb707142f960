-- Takes room for objects that are made in this transaction, or says that there is none. What others
-- make at this moment is not seen, no lock is taken, and so a quota may be exceeded by as much.
-- Where more was made and deleted than is read here, the loop is behind: what is left out counts
-- once it has come.
with place as (
  select coalesce(
    cast(:organization_id as uuid),
    (select organization_id from workspaces where id = cast(:workspace_id as uuid))
  ) as id
), used as (
  select
    coalesce((
      select amount from object_counts where organization_id = place.id and kind = cast(:kind as text)
    ), 0) + coalesce((
      select sum(amount) from (
        select amount from object_deltas
        where organization_id = place.id and kind = cast(:kind as text)
        limit :most_read
      ) as since
    ), 0) as amount
  from place
), quota as (
  select
    coalesce(
      (select most from quotas where organization_id = place.id and kind = cast(:kind as text)),
      (select most from quota_defaults where kind = cast(:kind as text)), 0
    ) as most,
    exists(select from quotas where organization_id = place.id and kind = cast(:kind as text)) as is_own
  from place
), taken as (
  insert into object_deltas (organization_id, kind, id, amount)
  select place.id, cast(:kind as text), cast(:id as uuid), cast(cast(:amount as bigint) as bigint)
  from place, used, quota
  where place.id is not null
    and (cast(:amount as bigint) <= 0 or quota.most = 0 or used.amount + cast(cast(:amount as bigint) as bigint) <= quota.most)
  returning id
)
select
  used.amount::bigint as used, quota.most, quota.is_own, exists(select from taken) as is_taken
from used, quota
