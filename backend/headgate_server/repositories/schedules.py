"""Schedules: stored, locked, and moved on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import Phase
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.schedule import Due, Schedule
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import schedules
from headgate_server.tables.work_pools import work_items

_MILLISECOND, _MICROSECOND = timedelta(milliseconds=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """Where a schedule stands after its instants were entered."""

    workspace_id: UUID
    schedule_id: UUID
    next_fire_at: datetime | None
    missed: int
    episode_missed: int
    episode_started_at: datetime | None

    @classmethod
    def keeping(cls, schedule: Schedule, next_fire_at: datetime | None) -> "Step":
        """Return the step of a schedule that goes on elsewhere, with its counts as they are."""
        return cls(
            schedule.workspace_id,
            schedule.id,
            next_fire_at,
            missed=0,
            episode_missed=schedule.episode_missed,
            episode_started_at=schedule.episode_started_at,
        )


@dataclass(frozen=True, slots=True)
class Removed:
    """Runs that were removed, and the pools and sessions in which some of them were offered."""

    run_ids: list[UUID]
    offering_pool_ids: set[UUID]
    session_ids: set[UUID]


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule to be stored, with the values of its fields."""

    id: UUID
    slug: str
    values: dict[str, Any]


async def insert_schedule(
    work: UnitOfWork, *, id_: UUID, deployment_id: UUID, slug: str, values: dict[str, Any]
) -> Schedule:
    """Store a schedule of a deployment whose row is locked."""
    new = NewSchedule(id_, slug, values)
    (made,) = await insert_schedules(work, deployment_id=deployment_id, new=[new])
    return made


async def insert_schedules(
    work: UnitOfWork, *, deployment_id: UUID, new: Sequence[NewSchedule]
) -> list[Schedule]:
    """Store schedules of a deployment whose row is locked, in one statement and in no order."""
    if not new:
        return []
    rows = [
        {
            "workspace_id": work.workspace_id,
            "id": one.id,
            "deployment_id": deployment_id,
            "slug": one.slug,
            "created_at": work.now,
            "updated_at": work.now,
            **_columns(one.values),
        }
        for one in new
    ]
    return [
        _schedule(row)
        for row in await work.execute(insert(schedules).values(rows).returning(schedules))
    ]


async def update_schedules(work: UnitOfWork, changed: Sequence[Schedule]) -> None:
    """Write locked schedules as they are from now on, in one statement."""
    if not changed:
        return
    written = [
        {
            "changed_id": one.id,
            "new_generation": one.generation,
            "new_next_fire_at": one.next_fire_at,
            "new_version": one.version,
            "new_updated_at": one.updated_at,
        }
        | {f"new_{name}": value for name, value in _columns(_settable(one)).items()}
        for one in changed
    ]
    names = [name.removeprefix("new_") for name in written[0] if name != "changed_id"]
    await work.execute(
        update(schedules)
        .where(
            schedules.c.workspace_id == work.workspace_id,
            schedules.c.id == bindparam("changed_id"),
        )
        .values({name: bindparam(f"new_{name}") for name in names}),
        written,
    )


def _settable(schedule: Schedule) -> dict[str, Any]:
    return {
        "spec": schedule.spec,
        "is_active": schedule.is_active,
        "parameters": schedule.parameters,
        "catch_up": schedule.catch_up,
    }


async def delete_schedules(work: UnitOfWork, *, ids: Sequence[UUID]) -> None:
    """Delete locked schedules and their ledgers, in one statement."""
    if ids:
        await work.execute(
            delete(schedules).where(
                schedules.c.workspace_id == work.workspace_id, schedules.c.id.in_(ids)
            )
        )


async def lock_of_deployment(work: UnitOfWork, *, deployment_id: UUID) -> list[Schedule]:
    """Return a deployment's schedules by slug; nobody makes their runs until this ends."""
    statement = (
        _own(work)
        .where(schedules.c.deployment_id == deployment_id)
        .order_by(schedules.c.slug)
        .with_for_update()
    )
    return [_schedule(row) for row in await work.execute(statement)]


async def lock_of_workspace(work: UnitOfWork) -> dict[UUID, datetime | None]:
    """Lock the active schedules of a workspace, and return the instants that they have come to.

    None of those that make no more runs.
    """
    statement = (
        select(schedules.c.id, schedules.c.next_fire_at)
        .where(schedules.c.workspace_id == work.workspace_id, schedules.c.is_active)
        .order_by(schedules.c.id)
        .with_for_update()
    )
    return {row.id: row.next_fire_at for row in await work.execute(statement)}


async def first_unstarted(work: UnitOfWork) -> dict[UUID, datetime]:
    """Return the earliest instant of the runs that nobody has taken up, by schedule."""
    statement = (
        select(flow_runs.c.schedule_id, func.min(flow_runs.c.expected_start).label("earliest"))
        .join(
            work_items,
            (work_items.c.workspace_id == flow_runs.c.workspace_id)
            & (work_items.c.run_id == flow_runs.c.id),
        )
        .where(
            flow_runs.c.workspace_id == work.workspace_id,
            flow_runs.c.schedule_id.is_not(None),
            flow_runs.c.attempt == 0,
            work_items.c.phase.in_((Phase.READY, Phase.OFFERED)),
        )
        .group_by(flow_runs.c.schedule_id)
    )
    return {row.schedule_id: row.earliest for row in await work.execute(statement)}


async def hold(work: UnitOfWork, instants: Mapping[UUID, datetime]) -> None:
    """Let locked schedules make no runs; each goes on from an instant when it is released."""
    if instants:
        await work.execute(
            update(schedules)
            .where(
                schedules.c.workspace_id == work.workspace_id,
                schedules.c.id == bindparam("held_id"),
            )
            .values(held_fire_at=bindparam("instant"), next_fire_at=None),
            [{"held_id": id_, "instant": instant} for id_, instant in instants.items()],
        )


async def release(work: UnitOfWork) -> None:
    """Let the held schedules of a workspace go on: what was missed, their catch-up settles."""
    await work.execute(
        update(schedules)
        .where(schedules.c.workspace_id == work.workspace_id, schedules.c.held_fire_at.is_not(None))
        .values(next_fire_at=schedules.c.held_fire_at, held_fire_at=None)
    )


async def lock_due(
    work: UnitOfWork,
    *,
    until: datetime,
    behind_since: datetime,
    limit: int,
    due: Due,
    passed_over: int,
) -> list[Schedule]:
    """Return schedules of any workspace with an instant to make, but for those in other hands.

    Args:
        work: a unit of work of the system.
        until: the latest next instant of theirs.
        behind_since: whose next instant is not after this one is behind.
        limit: how many at most, by their next instants.
        due: which of them.
        passed_over: how many, from the first, are left out.
    """
    statement = (
        select(schedules)
        .where(schedules.c.is_active, schedules.c.next_fire_at <= until)
        .order_by(schedules.c.next_fire_at, schedules.c.id)
        .limit(limit)
        .offset(passed_over)
        .with_for_update(skip_locked=True)
    )
    if due is Due.ON_TIME:
        statement = statement.where(schedules.c.next_fire_at > behind_since)
    elif due is Due.BEHIND:
        statement = statement.where(schedules.c.next_fire_at <= behind_since)
    return [_schedule(row) for row in await work.execute(statement)]


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Schedule]:
    """Return those of the schedules that exist, by id."""
    rows = await work.execute(_own(work).where(schedules.c.id.in_(ids)))
    return {row.id: _schedule(row) for row in rows}


async def get_many_of_deployments(
    work: UnitOfWork, deployment_ids: Sequence[UUID]
) -> dict[UUID, list[Schedule]]:
    """Return the schedules of each deployment by slug; one without any is absent."""
    statement = (
        _own(work).where(schedules.c.deployment_id.in_(deployment_ids)).order_by(schedules.c.slug)
    )
    found: dict[UUID, list[Schedule]] = {}
    for row in await work.execute(statement):
        found.setdefault(row.deployment_id, []).append(_schedule(row))
    return found


async def remove_unstarted_runs(
    work: UnitOfWork, *, schedule_ids: Sequence[UUID], due_after: datetime | None = None
) -> Removed:
    """Remove runs of locked schedules that nobody has taken up: an offer alone does not count.

    Args:
        work: a unit of work that holds the schedules' row locks.
        schedule_ids: whose runs.
        due_after: spares the runs that were due by then.
    """
    result = await work.execute(
        named("remove_unstarted_runs"),
        {
            "workspace_id": work.workspace_id,
            "schedule_ids": list(schedule_ids),
            "due_after": due_after,
        },
    )
    rows = result.all()
    return Removed(
        [row.id for row in rows],
        {row.offering_pool_id for row in rows if row.offering_pool_id is not None},
        {row.session_id for row in rows if row.session_id is not None},
    )


async def advance(work: UnitOfWork, steps: Sequence[Step]) -> None:
    """Move locked schedules on to their next instants and count what they missed."""
    if steps:
        await work.execute(
            named("advance_schedules"),
            {
                "workspace_ids": [step.workspace_id for step in steps],
                "schedule_ids": [step.schedule_id for step in steps],
                "next_fires_at": [step.next_fire_at for step in steps],
                "missed": [step.missed for step in steps],
                "episodes_missed": [step.episode_missed for step in steps],
                "episodes_started_at": [step.episode_started_at for step in steps],
            },
        )


def _own(work: UnitOfWork) -> Select[Any]:
    return select(schedules).where(schedules.c.workspace_id == work.workspace_id)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = dict(values)
    spec: Spec | None = columns.pop("spec", None)
    if spec is not None:
        columns |= {"spec": _pack(spec), "timezone": spec.timezone}
    catch_up: CatchUp | None = columns.pop("catch_up", None)
    if catch_up is not None:
        columns |= {
            "catch_up_policy": catch_up.policy.value,
            "catch_up_max": catch_up.max,
            "catch_up_window_ms": catch_up.window // _MILLISECOND,
        }
    return columns


def _pack(spec: Spec) -> dict[str, Any]:
    match spec:
        case CronSpec():
            return {"cron": spec.cron, "dayOr": spec.day_or}
        case IntervalSpec():
            return {"everyUs": spec.every // _MICROSECOND, "anchor": spec.origin.isoformat()}
        case RRuleSpec():
            start = spec.start.isoformat() if spec.start is not None else None
            return {"rrule": spec.rrule, "start": start}


def _unpack(packed: dict[str, Any], *, timezone: str) -> Spec:
    if "cron" in packed:
        return CronSpec(cron=packed["cron"], timezone=timezone, day_or=packed["dayOr"])
    if "rrule" in packed:
        start = packed["start"]
        return RRuleSpec(
            rrule=packed["rrule"],
            timezone=timezone,
            start=None if start is None else datetime.fromisoformat(start),
        )
    return IntervalSpec(
        every=packed["everyUs"] * _MICROSECOND, anchor=datetime.fromisoformat(packed["anchor"])
    )


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(
        workspace_id=row.workspace_id,
        id=row.id,
        deployment_id=row.deployment_id,
        slug=row.slug,
        is_active=row.is_active,
        spec=_unpack(row.spec, timezone=row.timezone),
        parameters=row.parameters,
        catch_up=CatchUp(
            policy=CatchUpPolicy(row.catch_up_policy),
            max=row.catch_up_max,
            window=row.catch_up_window_ms * _MILLISECOND,
        ),
        generation=row.generation,
        next_fire_at=row.next_fire_at,
        held_fire_at=row.held_fire_at,
        missed_count=row.missed_count,
        episode_missed=row.episode_missed,
        episode_started_at=row.episode_started_at,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
