"""SQL of what organizations store beside runs and logs: sampled, table by table."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    FromClause,
    Table,
    bindparam,
    cast,
    delete,
    func,
    literal,
    select,
    tablesample,
    text,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from headgate_server.database.work import UnitOfWork
from headgate_server.tables.artifacts import artifacts
from headgate_server.tables.assets import asset_edges, asset_materializations, assets
from headgate_server.tables.audit_entries import audit_entries
from headgate_server.tables.backfills import backfill_items
from headgate_server.tables.background_tasks import background_tasks
from headgate_server.tables.blocks import block_documents, block_schemas, block_types
from headgate_server.tables.cache_records import cache_records
from headgate_server.tables.deployment_versions import deployment_versions
from headgate_server.tables.events import events, idempotency_keys
from headgate_server.tables.failure_groups import failure_groups, failures
from headgate_server.tables.flow_runs import states, task_runs
from headgate_server.tables.flows import deployments, schedules
from headgate_server.tables.organizations import organizations, workspaces
from headgate_server.tables.pauses import pauses, run_inputs
from headgate_server.tables.quotas import stored_sizes
from headgate_server.tables.saved_views import saved_views
from headgate_server.tables.variables import variable_versions, variables
from headgate_server.tables.work_pools import work_pools
from headgate_server.tables.workspace_keys import block_secrets

SAMPLED: Sequence[Table] = (
    artifacts,
    asset_edges,
    asset_materializations,
    assets,
    audit_entries,
    backfill_items,
    background_tasks,
    block_documents,
    block_schemas,
    block_secrets,
    block_types,
    cache_records,
    deployment_versions,
    deployments,
    events,
    failure_groups,
    failures,
    idempotency_keys,
    pauses,
    run_inputs,
    saved_views,
    schedules,
    states,
    task_runs,
    variable_versions,
    variables,
    work_pools,
)
"""What is stored for organizations and counted in no other way; a table that holds more of what
people store belongs here, too."""
MOST_PAGES = 2_000
"""So many pages of 8 KiB are read of a table: one that is not larger is measured whole."""
ROW_BYTES = 28
"""What Postgres keeps of a row beside its values."""
_SAMPLER = "headgate.sample_sizes"
_PAGES = text("""
select (pg_relation_size(to_regclass(:name)) + coalesce((
  select sum(pg_relation_size(relid)) from pg_partition_tree(to_regclass(:name)) where isleaf
), 0))::bigint / 8192
""")


async def list_tables(work: UnitOfWork) -> list[Table]:
    """Return every table to be sampled: first those that hold nothing, then the longest sampled."""
    oldest = select(stored_sizes.c.kind, func.min(stored_sizes.c.sampled_at).label("at"))
    rows = await work.execute(oldest.group_by(stored_sizes.c.kind))
    sampled_at: dict[str, datetime] = {row.kind: row.at for row in rows}
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(SAMPLED, key=lambda table: sampled_at.get(table.name, never))


async def is_sampler(work: UnitOfWork) -> bool:
    """Whether this transaction samples: one does at a time."""
    key = func.hashtext(_SAMPLER)
    return bool((await work.execute(select(func.pg_try_advisory_xact_lock(key)))).scalar_one())


async def sample(work: UnitOfWork, table: Table) -> int:
    """Write down what each organization stores in a table, and return of how many.

    Of a table larger than ``MOST_PAGES`` so many pages are read, drawn evenly, and the sums are
    what they stand for: right on average, and the nearer the more an organization stores.
    """
    pages = int((await work.execute(_PAGES, {"name": table.name})).scalar_one())
    percent = min(100.0, 100.0 * MOST_PAGES / max(pages, 1))
    values = {"percent": percent, "scale": 100.0 / percent, "now": work.now}
    done = await work.execute(_measure(table), values)
    await work.execute(
        delete(stored_sizes).where(
            stored_sizes.c.kind == table.name, stored_sizes.c.sampled_at < work.now
        )
    )
    return done.rowcount


@cache
def _measure(table: Table) -> Insert:
    """Return what samples a table, made once: of ``percent`` of its pages, times ``scale``."""
    sampled = tablesample(table, func.system(bindparam("percent", type_=Float)), name="sampled")
    summed = func.sum(_size(sampled)) * bindparam("scale", type_=Float)
    at = bindparam("now", type_=DateTime(timezone=True))
    measured = (
        select(organizations.c.id, literal(table.name), cast(summed, BigInteger), at)
        .select_from(_with_owner(sampled))
        .group_by(organizations.c.id)
    )
    new = insert(stored_sizes).from_select(
        ["organization_id", "kind", "size_bytes", "sampled_at"], measured
    )
    return new.on_conflict_do_update(
        index_elements=["organization_id", "kind"],
        set_={"size_bytes": new.excluded.size_bytes, "sampled_at": new.excluded.sampled_at},
    )


def _with_owner(sampled: FromClause) -> FromClause:
    if "organization_id" in sampled.c:
        return sampled.join(organizations, organizations.c.id == sampled.c.organization_id)
    return sampled.join(workspaces, workspaces.c.id == sampled.c.workspace_id).join(
        organizations, organizations.c.id == workspaces.c.organization_id
    )


def _size(sampled: FromClause) -> ColumnElement[int]:
    """Return the bytes of a row; what Postgres has compressed or moved out is not read for it."""
    size: ColumnElement[int] = literal(ROW_BYTES)
    for column in sampled.c:
        size += func.coalesce(func.pg_column_size(column), 0)
    return size
