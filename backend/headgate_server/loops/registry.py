"""Every loop there is."""

from headgate_server.loops import (
    audit_entries,
    backfills,
    collisions,
    deleted_workspaces,
    expired_keys,
    expired_pauses,
    failure_groups,
    late_runs,
    lost_runs,
    outbox,
    partitions,
    quotas,
    retention,
    run_counts,
    schedules,
    stored_sizes,
    stuck_cancels,
    support_grants,
)
from headgate_server.loops.loop import Loop

LOOPS = (
    Loop("schedules", schedules.run_once),
    Loop("collisions", collisions.run_once),
    Loop("late_runs", late_runs.run_once),
    Loop("lost_runs", lost_runs.run_once),
    Loop("stuck_cancels", stuck_cancels.run_once),
    Loop("outbox", outbox.run_once),
    Loop("run_counts", run_counts.run_once),
    Loop("backfills", backfills.run_once),
    Loop("failure_groups", failure_groups.run_once),
    Loop("expired_keys", expired_keys.run_once),
    Loop("expired_pauses", expired_pauses.run_once),
    Loop("audit_entries", audit_entries.run_once),
    Loop("quotas", quotas.run_once, every_seconds=5),
    Loop("partitions", partitions.run_once, every_seconds=3600),
    Loop("deleted_workspaces", deleted_workspaces.run_once, every_seconds=60),
    Loop("stored_sizes", stored_sizes.run_once, every_seconds=900),
    Loop("support_grants", support_grants.run_once, every_seconds=60),
    Loop("retention", retention.run_once, every_seconds=60),
)
