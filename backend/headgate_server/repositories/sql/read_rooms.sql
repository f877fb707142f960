-- Counts the room of locked deployments; a statement of its own, or what was offered meanwhile would
-- be missed.
select deployment.id, deployment.concurrency_limit - (
  select count(*) from work_items held
  where held.deployment_id = deployment.id and held.phase <> 'READY' and held.is_limited
) as room
from deployments deployment
where deployment.workspace_id = :workspace_id and deployment.id = any(cast(:ids as uuid[]))
  and deployment.concurrency_limit is not null
