-- When each loop has something to do next; null where it has nothing in sight.
select
  (select min(next_fire_at) from schedules
    where is_active and next_fire_at > cast(:now as timestamptz) - cast(:missed_after as interval))
    - cast(:horizon as interval) as schedules,
  (select min(next_fire_at) from schedules
    where is_active
      and next_fire_at <= cast(:now as timestamptz) - cast(:missed_after as interval))
    as missed_schedules,
  (select min(late_due_at) from work_items where phase = 'READY' and late_due_at is not null)
    as late_runs,
  (select min(collides_at) from work_items where phase = 'READY' and collides_at is not null)
    as collisions,
  least(
    (select min(fence_until) from work_items where phase <> 'READY'),
    (select min(last_seen_at) from work_items where phase = 'RUNNING' and unresponsive_at is null)
      + cast(:unresponsive_after as interval),
    (select min(last_seen_at) from agent_sessions where ended_at is null)
      + cast(:lost_after as interval)
  ) as lost_runs,
  (select min(cancel_requested_at + coalesce(cancel_grace_seconds, 0) * interval '1 second')
    from work_items where cancel_requested_at is not null) + cast(:confirmed_within as interval)
    as stuck_cancels,
  (select min(least(leased_until, cancel_requested_at + cast(:tasks_confirmed_within as interval)))
    from background_tasks where leased_until is not null) as lost_tasks,
  (select min(due_at) from run_ends) as run_ends,
  (select entered_at from outbox order by id limit 1) as outbox,
  (select min(due_at) from backfills where due_at is not null) as backfills,
  (select min(failed_at) from ungrouped_failures) as failure_groups,
  (select min(chunk_due_at) from flow_run_cursors where chunk_due_at is not null) as log_chunks,
  (select min(due_at) from sla_rules where due_at is not null) as sla_rules,
  (select min(marked_at) from stale_run_hours) + cast(:counts_after as interval) as run_counts,
  least(
    (select min(expires_at) from idempotency_keys),
    (select min(expires_at) from concurrency_slots where expires_at is not null),
    (select min(expires_at) from concurrency_waiters)
  ) as expired_keys,
  (select min(expires_at) from pauses where status = 'WAITING' and expires_at is not null)
    as expired_pauses,
  least(
    (select min(at) from audit_queue),
    (select min(coalesce(checkpointed_at + cast(:checkpoints_after as interval), now()))
      from audit_heads where sequence > checkpointed)
  ) as audit_entries
