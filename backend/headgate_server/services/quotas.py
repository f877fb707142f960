"""Quotas of organizations: set by operators, read by everybody, and what is counted for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput, NotFound
from headgate_server.domain.events import NewEvent
from headgate_server.domain.quotas import (
    COUNTED_KINDS,
    RUN_KINDS,
    STORED_KINDS,
    WARN_PERCENTS,
    Limits,
    Quota,
    QuotaExceeded,
    QuotaKind,
    Standing,
    UsageDay,
    check_limit,
    day_of,
    period_of,
)
from headgate_server.repositories import object_counts, organizations, outbox, workspaces
from headgate_server.repositories import quotas as stored
from headgate_server.services.audit_entries.record import record_entry

MAX_DAYS = 400
ROWS_AT_ONCE = 10_000

insert_usage = stored.insert_usage
read_standings = stored.read_standings


async def get_standing(work: UnitOfWork, *, organization_id: UUID) -> Standing:
    """Return what an organization may use, and what it used."""
    found = await stored.read_standings(work, [organization_id], today=day_of(work.now))
    return found[organization_id]


async def list_quotas(work: UnitOfWork, *, organization_id: UUID) -> list[Quota]:
    """Return every quota of an organization, in the order of their kinds."""
    standing = await get_standing(work, organization_id=organization_id)
    counts = await object_counts.read_counts(work, organization_id=organization_id)
    shown = replace(standing, counts=counts)
    return [shown.quota(kind, now=work.now) for kind in QuotaKind]


async def list_spent(
    work: UnitOfWork, *, organization_id: UUID, kinds: frozenset[QuotaKind]
) -> list[Quota]:
    """Return those of some quotas that are used up, in the order of their kinds.

    Runs at once are as of the loop's last round, five seconds ago at most; dispatchers count anew.
    """
    found = await list_quotas(work, organization_id=organization_id)
    return [one for one in found if one.kind in kinds and one.room is not None and one.room <= 0]


async def list_days(work: UnitOfWork, *, organization_id: UUID, days: int) -> list[UsageDay]:
    """Return what an organization used on the last days, today first; idle days are left out.

    Raises:
        InvalidInput: more than 400 days, or less than one.
    """
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"days is from 1 to {MAX_DAYS}.", path=["days"])
    since = day_of(work.now) - timedelta(days=days - 1)
    return await stored.list_days(work, organization_id=organization_id, since=since)


async def set_quotas(
    work: UnitOfWork, *, organization_id: UUID, limits: Mapping[QuotaKind, int | None]
) -> list[Quota]:
    """Set quotas of an organization, as an operator; those that are not named keep their limits.

    Args:
        work: as the system.
        organization_id: whose.
        limits: 0 does not limit; None lets the installation's default count.

    Raises:
        InvalidInput: a limit that is out of range.
        NotFound: there is no such organization.
    """
    wanted = {kind: check_limit(kind, most) for kind, most in limits.items() if most is not None}
    organization = await organizations.lock_organization(work, id_=organization_id)
    if organization is None:
        raise NotFound
    before = await stored.read_limits(work, organization_id=organization_id)
    dropped = {kind for kind, most in limits.items() if most is None}
    after = {kind: most for kind, most in before.items() if kind not in dropped} | wanted
    if after != before:
        await stored.write_limits(
            work, organization_id=organization_id, limits=wanted, dropped=dropped
        )
        await record_entry(
            work,
            "quotas_set",
            kind=ids.Kind.ORGANIZATION,
            id_=organization_id,
            name=organization.name,
            before={kind.value.lower(): most for kind, most in before.items()},
            after={kind.value.lower(): most for kind, most in after.items()},
            organization_id=organization_id,
        )
    return await list_quotas(work, organization_id=organization_id)


async def set_defaults(database: Database, limits: Limits) -> None:
    """Set the limits of organizations that have none of their own, as the settings say."""
    async with database.system() as work:
        await stored.write_defaults(work, limits)


async def runs_exceeded(work: UnitOfWork) -> QuotaExceeded:
    """Return the error of runs that a quota had no room for."""
    organization_id = await _organization_of(work)
    standing = await get_standing(work, organization_id=organization_id)
    quotas = [standing.quota(kind, now=work.now) for kind in RUN_KINDS]
    limited = [(one.room, one) for one in quotas if one.room is not None]
    return QuotaExceeded(min(limited, key=lambda pair: pair[0])[1])


async def get_own_standing(work: UnitOfWork) -> Standing:
    """Return what the organization of a unit of work may use, and what it used."""
    return await get_standing(work, organization_id=await _organization_of(work))


def limits_runs(standing: Standing) -> bool:
    """Whether an organization may start but so many runs in a time."""
    return any(standing.limits.get(kind, 0) > 0 for kind in RUN_KINDS)


def check_restart(standing: Standing, *, now: datetime) -> None:
    """Refuse to start a run again where the quota of runs is used up.

    Args:
        standing: of the organization, as it is before.
        now: tells when a quota starts anew.

    Raises:
        QuotaExceeded: with when it starts anew.
    """
    spent = standing.over(RUN_KINDS, now=now)
    if spent is not None:
        raise QuotaExceeded(spent)


async def find_full(work: UnitOfWork, workspace_ids: Sequence[UUID]) -> dict[UUID, QuotaExceeded]:
    """Return in which workspaces nothing more may be stored, and why; as the system.

    One statement, and one more where any of their organizations has a quota of stored bytes.
    """
    limited = await stored.list_limited(work, workspace_ids, kind=QuotaKind.STORED_BYTES)
    if not limited:
        return {}
    standings = await stored.read_standings(
        work, sorted(set(limited.values())), today=day_of(work.now)
    )
    spent = {
        id_: standings[organization_id].over(STORED_KINDS, now=work.now)
        for id_, organization_id in limited.items()
    }
    return {id_: QuotaExceeded(quota) for id_, quota in spent.items() if quota is not None}


async def check_kept_days(work: UnitOfWork, *, organization_id: UUID, wanted: int) -> None:
    """Refuse to keep anything longer than the organization may.

    Raises:
        QuotaExceeded: with the longest time.
    """
    standing = await get_standing(work, organization_id=organization_id)
    limit = standing.limits.get(QuotaKind.KEPT_DAYS, 0)
    if 0 < limit < wanted:
        raise QuotaExceeded(Quota(QuotaKind.KEPT_DAYS, limit=limit, used=wanted))


async def most_kept_days(work: UnitOfWork, *, organization_id: UUID) -> int:
    """Return the longest that an organization may keep anything; 0 where nothing limits it."""
    standing = await get_standing(work, organization_id=organization_id)
    return standing.limits.get(QuotaKind.KEPT_DAYS, 0)


async def sum_usage(work: UnitOfWork) -> int:
    """Sum up what was counted, and warn organizations at 80 and at 100 % of a quota.

    A warning is an event in each workspace, given once for each quota, period and percentage.

    Returns:
        How many rows were summed up.
    """
    summed = await stored.sum_usage(work, most=ROWS_AT_ONCE)
    standings = await stored.read_standings(work, list(summed), today=day_of(work.now))
    for organization_id, standing in standings.items():
        await _warn(work, organization_id, standing)
    return sum(summed.values())


async def _warn(work: UnitOfWork, organization_id: UUID, standing: Standing) -> None:
    reached: dict[tuple[QuotaKind, int], Quota] = {}
    for kind in set(QuotaKind) - COUNTED_KINDS - {QuotaKind.KEPT_DAYS}:
        quota = standing.quota(kind, now=work.now)
        for percent in WARN_PERCENTS:
            if quota.limit > 0 and quota.used * 100 >= quota.limit * percent:
                reached[kind, percent] = quota
    fresh = await stored.insert_warnings(
        work,
        organization_id=organization_id,
        warnings=[(kind, period_of(kind, work.now), percent) for kind, percent in reached],
    )
    if not fresh:
        return
    events = [
        _warning(organization_id, reached[kind, percent], percent)
        for kind, percent in sorted(fresh)
    ]
    places = await workspaces.list_by_state(work, organization_id=organization_id)
    await outbox.insert_events_of_workspaces(
        work, [(place, event) for place in places for event in events]
    )
    work.wake(channels.OUTBOX)


def _warning(organization_id: UUID, quota: Quota, percent: int) -> NewEvent:
    shown = ids.show(ids.Kind.ORGANIZATION, organization_id)
    return NewEvent(
        name="quota.used_up" if percent >= 100 else "quota.nearly_used_up",
        resource_id=shown,
        resource={"id": shown, "kind": "organization", "name": quota.kind.value},
        payload={
            "quota": quota.kind.value,
            "percent": percent,
            "limit": quota.limit,
            "used": quota.used,
            "resetsAt": quota.resets_at.isoformat() if quota.resets_at else None,
        },
    )


async def _organization_of(work: UnitOfWork) -> UUID:
    if work.organization_id is not None:
        return work.organization_id
    found = await workspaces.find_organization_id(work, id_=work.workspace_id)
    if found is None:
        raise NotFound
    return found
