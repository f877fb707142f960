-- Tells which deployments with a limit have runs due in some queues, and room for more, as it looks
-- without a lock. However many wait, each deployment costs a step into the index: those that are
-- full are passed over here, and what waits for them is not read.
select pair.work_queue_id, pair.deployment_id
from unnest(cast(:queue_ids as uuid[])) as served(id)
cross join lateral (
  with recursive pair as (
    (
      select item.work_queue_id, item.deployment_id from work_items item
      where item.work_queue_id = served.id
        and item.phase = 'READY' and not item.is_held and item.is_limited
      order by item.deployment_id
      limit 1
    )
    union all
    select next.work_queue_id, next.deployment_id
    from pair
    cross join lateral (
      select item.work_queue_id, item.deployment_id from work_items item
      where item.work_queue_id = served.id and item.deployment_id > pair.deployment_id
        and item.phase = 'READY' and not item.is_held and item.is_limited
      order by item.deployment_id
      limit 1
    ) next
  )
  select * from pair
) pair
join deployments deployment
  on deployment.workspace_id = :workspace_id and deployment.id = pair.deployment_id
where not deployment.is_paused and deployment.concurrency_limit > (
    select count(*) from work_items held
    where held.deployment_id = pair.deployment_id and held.phase <> 'READY' and held.is_limited
  )
  and exists (
    select from work_items item
    where item.deployment_id = pair.deployment_id and item.due_at <= :now
      and item.phase = 'READY' and item.is_limited
  )
