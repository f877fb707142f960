    -- What waits in a served queue, is due, and counts to no limit of a deployment.
    where item.work_queue_id = served.id and item.workspace_id = served.workspace_id
      and item.phase = 'READY' and not item.is_held and not item.is_limited
      and item.due_at >= cast(:due_since as timestamptz) and item.due_at <= :now
      and not exists (
        select from deployments deployment
        where deployment.workspace_id = item.workspace_id
          and deployment.id = item.deployment_id and deployment.is_paused
      )
