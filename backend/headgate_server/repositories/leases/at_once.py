"""How many runs of an organization agents may hold at once: a quota that runs wait for."""

from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, func, select, text

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.quotas import QuotaKind
from headgate_server.tables.organizations import workspaces
from headgate_server.tables.quotas import quota_defaults, quotas
from headgate_server.tables.work_pools import READY, work_items, work_pools

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
_KIND = QuotaKind.RUNS_AT_ONCE.value


def most_at_once(workspace_id: UUID) -> ColumnElement[int]:
    """Return, as part of a statement, the quota of a workspace's organization; 0 is none."""
    own = (
        select(quotas.c.most)
        .join(workspaces, workspaces.c.organization_id == quotas.c.organization_id)
        .where(workspaces.c.id == workspace_id, quotas.c.kind == _KIND)
        .scalar_subquery()
    )
    return func.coalesce(own, _default(), 0)


async def room_at_once(work: UnitOfWork, *, most: int) -> int:
    """Return how many more runs agents may be offered; nobody else is told until this commits.

    The lock is a statement of its own, as that of a limited pool is: what is counted in the
    statement that takes it would be older than the lock.
    """
    organization = select(workspaces.c.organization_id).where(workspaces.c.id == work.workspace_id)
    organization_id = (await work.execute(organization)).scalar_one()
    await work.execute(_LOCK, {"name": f"headgate.runs_at_once:{organization_id}"})
    pools = (
        select(work_pools.c.id)
        .join(workspaces, workspaces.c.id == work_pools.c.workspace_id)
        .where(workspaces.c.organization_id == organization_id)
    )
    held = await work.execute(
        select(func.count())
        .select_from(work_items)
        .where(work_items.c.phase != READY, work_items.c.work_pool_id.in_(pools))
    )
    return max(most - int(held.scalar_one()), 0)


def _default() -> ScalarSelect[int]:
    return select(quota_defaults.c.most).where(quota_defaults.c.kind == _KIND).scalar_subquery()
