"""SQL of quotas and of what organizations used."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.quotas import Limits, QuotaKind, Standing, Usage, UsageDay, month_of
from headgate_server.repositories.organizations import own
from headgate_server.repositories.statements import named
from headgate_server.tables.organizations import workspaces
from headgate_server.tables.quotas import (
    WHOLES,
    quota_defaults,
    quota_warnings,
    quotas,
    usage_days,
    usage_deltas,
)

_KINDS = frozenset(kind.value for kind in QuotaKind)


async def read_standings(
    work: UnitOfWork, organization_ids: Sequence[UUID], *, today: date
) -> dict[UUID, Standing]:
    """Return what each organization may use and what it used, by id; in one statement."""
    rows = await work.execute(
        named("read_standings"),
        {"organization_ids": list(organization_ids), "today": today, "month": month_of(today)},
    )
    return {row.id: _standing(row) for row in rows}


async def list_limited(
    work: UnitOfWork, workspace_ids: Sequence[UUID], *, kind: QuotaKind
) -> dict[UUID, UUID]:
    """Return those of the workspaces whose organization has a quota of a kind: of which each is."""
    is_own = (quotas.c.organization_id == workspaces.c.organization_id) & (quotas.c.kind == kind)
    fallback = select(quota_defaults.c.most).where(quota_defaults.c.kind == kind).scalar_subquery()
    statement = (
        select(workspaces.c.id, workspaces.c.organization_id)
        .select_from(workspaces.outerjoin(quotas, is_own))
        .where(workspaces.c.id.in_(workspace_ids), func.coalesce(quotas.c.most, fallback, 0) > 0)
    )
    return {row.id: row.organization_id for row in await work.execute(statement)}


async def insert_usage(work: UnitOfWork, used: Mapping[UUID, Usage], *, day: date) -> None:
    """Count what organizations used; in one statement."""
    rows = [
        {
            "organization_id": id_,
            "id": new_id(),
            "day": day,
            **{name: getattr(usage, name) for name in WHOLES},
        }
        for id_, usage in used.items()
        if usage != Usage.ZERO
    ]
    if rows:
        await work.execute(insert(usage_deltas).values(rows))


async def sum_usage(work: UnitOfWork, *, most: int) -> dict[UUID, int]:
    """Sum up what was counted, and return how many rows of each organization there were."""
    rows = await work.execute(named("sum_usage"), {"most": most})
    return {row.organization_id: row.size for row in rows}


async def list_days(work: UnitOfWork, *, organization_id: UUID, since: date) -> list[UsageDay]:
    """Return what an organization used, day by day, the latest first; idle days are left out."""
    sums = [
        select(table.c.day, *(table.c[name] for name in WHOLES)).where(
            own(work, table.c.organization_id),
            table.c.organization_id == organization_id,
            table.c.day >= since,
        )
        for table in (usage_days, usage_deltas)
    ]
    both = sums[0].union_all(sums[1]).subquery()
    statement = (
        select(both.c.day, *(func.sum(both.c[name]).label(name) for name in WHOLES))
        .group_by(both.c.day)
        .order_by(both.c.day.desc())
    )
    rows = await work.execute(statement)
    return [
        UsageDay(row.day, Usage(**{name: int(getattr(row, name)) for name in WHOLES}))
        for row in rows
    ]


async def read_limits(work: UnitOfWork, *, organization_id: UUID) -> dict[QuotaKind, int]:
    """Return an organization's own limits, locked against others who change them."""
    rows = await work.execute(
        select(quotas.c.kind, quotas.c.most)
        .where(quotas.c.organization_id == organization_id)
        .with_for_update()
    )
    return _limits({row.kind: row.most for row in rows})


async def write_limits(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    limits: Limits,
    dropped: Iterable[QuotaKind],
) -> None:
    """Set some of an organization's limits, and drop others, for which the defaults count then."""
    gone = [kind.value for kind in dropped]
    if gone:
        await work.execute(
            delete(quotas).where(
                quotas.c.organization_id == organization_id, quotas.c.kind.in_(gone)
            )
        )
    if limits:
        new = insert(quotas).values(
            [
                {
                    "organization_id": organization_id,
                    "kind": kind.value,
                    "most": most,
                    "updated_at": work.now,
                }
                for kind, most in limits.items()
            ]
        )
        await work.execute(
            new.on_conflict_do_update(
                index_elements=["organization_id", "kind"],
                set_={"most": new.excluded.most, "updated_at": new.excluded.updated_at},
            )
        )


async def write_defaults(work: UnitOfWork, limits: Limits) -> None:
    """Set the limits of organizations that have none of their own."""
    for kind, most in sorted(limits.items()):
        new = insert(quota_defaults).values(kind=kind.value, most=most)
        await work.execute(
            new.on_conflict_do_update(
                index_elements=["kind"],
                set_={"most": new.excluded.most},
                where=quota_defaults.c.most != new.excluded.most,
            )
        )


async def insert_warnings(
    work: UnitOfWork, *, organization_id: UUID, warnings: Sequence[tuple[QuotaKind, date, int]]
) -> set[tuple[QuotaKind, int]]:
    """Note that an organization is warned, and return the warnings that are new."""
    if not warnings:
        return set()
    statement = (
        insert(quota_warnings)
        .values(
            [
                {
                    "organization_id": organization_id,
                    "kind": kind.value,
                    "period": period,
                    "percent": percent,
                }
                for kind, period, percent in warnings
            ]
        )
        .on_conflict_do_nothing()
        .returning(quota_warnings.c.kind, quota_warnings.c.percent)
    )
    rows = await work.execute(statement)
    return {(QuotaKind(row.kind), row.percent) for row in rows}


def _standing(row: Row[Any]) -> Standing:
    limits = _limits(row.own or {})
    return Standing(
        limits=_limits(row.defaults or {}) | limits,
        own=frozenset(limits),
        today=_usage(row, "today"),
        month=_usage(row, "month"),
        stored_bytes=row.stored_bytes,
        kept_days=row.kept_days,
    )


def _usage(row: Row[Any], prefix: str) -> Usage:
    return Usage(**{name: getattr(row, f"{prefix}_{name}") for name in WHOLES})


def _limits(found: Mapping[str, int]) -> dict[QuotaKind, int]:
    """Return limits by kind; kinds that only another version knows are left out."""
    return {QuotaKind(kind): most for kind, most in found.items() if kind in _KINDS}
