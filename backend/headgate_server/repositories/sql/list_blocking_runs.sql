-- Lists who holds what a run or a background task waits for, a few of each kind, the longest first:
-- runs, and of slots the background tasks beside them.
(
  select 'DEPLOYMENT' as place, run_id, claimed_at from work_items
  where deployment_id = cast(:deployment_id as uuid) and phase <> 'READY' and is_limited
  order by claimed_at nulls last, run_id
  limit :most
)
union all
(
  select 'QUEUE', run_id, claimed_at from work_items
  where work_pool_id = cast(:work_pool_id as uuid) and phase <> 'READY'
    and work_queue_id = cast(:work_queue_id as uuid)
  order by claimed_at nulls last, run_id
  limit :most
)
union all
(
  select 'POOL', run_id, claimed_at from work_items
  where work_pool_id = cast(:work_pool_id as uuid) and phase <> 'READY'
  order by claimed_at nulls last, run_id
  limit :most
)
union all
(
  select 'WORKSPACE', held.run_id, held.claimed_at from work_pools pool
  cross join lateral (
    select run_id, claimed_at from work_items
    where work_pool_id = pool.id and phase <> 'READY'
    order by claimed_at nulls last, run_id
    limit :most
  ) held
  where pool.workspace_id = :workspace_id
  order by held.claimed_at nulls last, held.run_id
  limit :most
)
union all
(
  select 'SLOTS ' || slot.limit_id::text, slot.run_id, slot.acquired_at
  from concurrency_slots slot
  where slot.workspace_id = :workspace_id and slot.limit_id = any(cast(:limit_ids as uuid[]))
    and slot.run_id is not null
  order by slot.acquired_at, slot.run_id
  limit :most
)
union all
(
  select 'TASKS ' || slot.limit_id::text, slot.task_id, slot.acquired_at
  from concurrency_slots slot
  where slot.workspace_id = :workspace_id and slot.limit_id = any(cast(:limit_ids as uuid[]))
    and slot.task_id is not null and slot.expires_at > :now
  order by slot.acquired_at, slot.task_id
  limit :most
)
