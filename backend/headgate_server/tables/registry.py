"""Every table, loaded: what migrations compare with."""

from headgate_server.tables import (
    artifacts,
    assets,
    audit_entries,
    backfills,
    background_tasks,
    blocks,
    cache_records,
    concurrency_limits,
    deployment_versions,
    erasures,
    events,
    failure_groups,
    flow_runs,
    flows,
    login_sessions,
    members,
    organizations,
    pauses,
    quotas,
    roles,
    run_counts,
    run_ends,
    saved_views,
    sla_rules,
    support_grants,
    variables,
    work_pools,
    workspace_keys,
)
from headgate_server.tables.metadata import metadata

FAMILIES = (
    organizations,
    blocks,
    workspace_keys,
    login_sessions,
    erasures,
    members,
    quotas,
    roles,
    work_pools,
    flows,
    deployment_versions,
    backfills,
    sla_rules,
    saved_views,
    flow_runs,
    run_ends,
    concurrency_limits,
    pauses,
    failure_groups,
    run_counts,
    support_grants,
    events,
    audit_entries,
    variables,
    artifacts,
    assets,
    cache_records,
    background_tasks,
)

PARTITIONED_BY_RUN = ("states", "logs")
PARTITIONED_BY_TIME = ("events",)

TENANT_TABLES = tuple(
    sorted(name for name, table in metadata.tables.items() if "workspace_id" in table.c)
)
