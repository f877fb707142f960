"""SQL of how many objects organizations have: counted by a loop, and what was made since."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Table,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.quotas import COUNTED_KINDS, OBJECT_KINDS, Quota, QuotaKind
from headgate_server.repositories.organizations import own
from headgate_server.repositories.statements import named
from headgate_server.tables.blocks import block_documents
from headgate_server.tables.flows import deployments, schedules
from headgate_server.tables.members import memberships
from headgate_server.tables.organizations import (
    api_keys,
    organizations,
    service_accounts,
    workspaces,
)
from headgate_server.tables.quotas import object_counts, object_deltas
from headgate_server.tables.variables import variables
from headgate_server.tables.work_pools import READY, work_items, work_pools

MOST_READ = 5_000
_COUNTER = "headgate.count_objects"
_COUNT, _DELTA = object_counts.c, object_deltas.c
_IN_WORKSPACES = {
    QuotaKind.WORK_POOLS: work_pools,
    QuotaKind.DEPLOYMENTS: deployments,
    QuotaKind.SCHEDULES: schedules,
    QuotaKind.BLOCK_DOCUMENTS: block_documents,
    QuotaKind.VARIABLES: variables,
}


async def claim(
    work: UnitOfWork, kind: QuotaKind, *, organization_id: UUID | None, amount: int
) -> Quota | None:
    """Note objects that are made, or deleted where ``amount`` is not above 0, in one statement.

    Returns:
        None; where there is no room, the quota, and nothing is noted.
    """
    rows = await work.execute(
        named("claim_objects"),
        {
            "organization_id": organization_id or work.organization_id,
            "workspace_id": work.tenant_id,
            "kind": kind.value,
            "id": new_id(),
            "amount": amount,
            "most_read": MOST_READ,
        },
    )
    row = rows.one()
    if row.is_taken:
        return None
    return Quota(kind, limit=row.most, used=row.used, is_default=not row.is_own)


async def read_counts(work: UnitOfWork, *, organization_id: UUID) -> dict[QuotaKind, int]:
    """Return how many of each kind there are, and how many runs at once there were last."""
    parts = [
        select(table.c.kind, table.c.amount).where(
            own(work, table.c.organization_id), table.c.organization_id == organization_id
        )
        for table in (object_counts, object_deltas)
    ]
    both = parts[0].union_all(parts[1]).subquery()
    rows = await work.execute(
        select(both.c.kind, func.sum(both.c.amount).label("amount")).group_by(both.c.kind)
    )
    known = {kind.value: kind for kind in COUNTED_KINDS}
    return {known[row.kind]: max(int(row.amount), 0) for row in rows if row.kind in known}


async def is_counter(work: UnitOfWork) -> bool:
    """Whether this transaction counts: one does at a time, and sees what the one before wrote."""
    key = func.hashtext(_COUNTER)
    return bool((await work.execute(select(func.pg_try_advisory_xact_lock(key)))).scalar_one())


async def list_changed(
    work: UnitOfWork, *, older_than: timedelta, most: int
) -> dict[QuotaKind, list[UUID]]:
    """Return of which organizations which kinds are to be counted: what changed, and what is old.

    What goes with something else that is deleted is not noted: it is found as what is old.
    """
    changed = select(_DELTA.organization_id, _DELTA.kind).distinct().limit(most)
    old = (
        select(_COUNT.organization_id, _COUNT.kind)
        .where(
            _COUNT.counted_at < work.now - older_than,
            _COUNT.kind.in_([kind.value for kind in OBJECT_KINDS]),
        )
        .order_by(_COUNT.counted_at)
        .limit(most)
    )
    both = changed.subquery().select().union(old.subquery().select())
    found: dict[QuotaKind, list[UUID]] = {}
    for row in await work.execute(both):
        found.setdefault(QuotaKind(row.kind), []).append(row.organization_id)
    return found


async def count_objects(
    work: UnitOfWork, kind: QuotaKind, *, organization_ids: Sequence[UUID]
) -> None:
    """Count the objects of a kind, in one statement.

    It sees an object and the note of its making, or neither: both came with one transaction. So no
    object is left out or counted twice, whatever is made meanwhile.
    """
    noted = (
        delete(object_deltas)
        .where(_DELTA.kind == kind.value, _DELTA.organization_id.in_(organization_ids))
        .cte("noted")
    )
    counted = select(
        organizations.c.id, literal(kind.value), _amount(kind, now=work.now), literal(work.now)
    ).where(organizations.c.id.in_(organization_ids))
    new = insert(object_counts).from_select(
        ["organization_id", "kind", "amount", "counted_at"], counted
    )
    await work.execute(_or_update(new).add_cte(noted))


async def count_runs_at_once(work: UnitOfWork) -> None:
    """Note how many runs the agents of each organization hold now."""
    kind = QuotaKind.RUNS_AT_ONCE.value
    held = (
        select(workspaces.c.organization_id, func.count().label("amount"))
        .select_from(work_items.join(workspaces, workspaces.c.id == work_items.c.workspace_id))
        .where(work_items.c.phase != READY, work_items.c.work_pool_id.is_not(None))
        .group_by(workspaces.c.organization_id)
        .cte("held")
    )
    await work.execute(
        update(object_counts)
        .where(
            _COUNT.kind == kind,
            _COUNT.amount != 0,
            _COUNT.organization_id.not_in(select(held.c.organization_id)),
        )
        .values(amount=0, counted_at=work.now)
    )
    new = insert(object_counts).from_select(
        ["organization_id", "kind", "amount", "counted_at"],
        select(held.c.organization_id, literal(kind), held.c.amount, literal(work.now)),
    )
    await work.execute(_or_update(new))


def _or_update(new: Insert) -> Insert:
    """Write a count, or write it anew; what stayed as it was is not written."""
    return new.on_conflict_do_update(
        index_elements=["organization_id", "kind"],
        set_={"amount": new.excluded.amount, "counted_at": new.excluded.counted_at},
    )


def _amount(kind: QuotaKind, *, now: datetime) -> ScalarSelect[int]:
    """Return how many objects of a kind the organization of the row around it has."""
    if kind is QuotaKind.WORKSPACES:
        return _of_organization(workspaces, workspaces.c.deleted_at.is_(None))
    if kind is QuotaKind.MEMBERS:
        return _of_organization(memberships)
    if kind is QuotaKind.SERVICE_ACCOUNTS:
        return _of_organization(service_accounts)
    if kind is QuotaKind.API_KEYS:
        expires_at = api_keys.c.expires_at
        is_good = or_(expires_at.is_(None), expires_at > now)
        return _of_organization(api_keys, api_keys.c.revoked_at.is_(None), is_good)
    return _of_workspaces(_IN_WORKSPACES[kind])


def _of_organization(table: Table, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(table)
        .where(table.c.organization_id == organizations.c.id, *conditions)
        .correlate(organizations)
        .scalar_subquery()
    )


def _of_workspaces(table: Table) -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(table.join(workspaces, workspaces.c.id == table.c.workspace_id))
        .where(
            workspaces.c.organization_id == organizations.c.id, workspaces.c.deleted_at.is_(None)
        )
        .correlate(organizations)
        .scalar_subquery()
    )
