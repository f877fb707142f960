"""Makes the runs of schedules, a short horizon ahead, and settles what an outage missed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.events import NewEvent
from headgate_server.domain.schedules.plan import MISSED_AFTER, NOTHING, FirePlan, plan_fires
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.repositories import schedules
from headgate_server.repositories.schedules import Fire, Step
from headgate_server.services.events import record_events
from headgate_server.services.flow_runs import create as flow_runs
from headgate_server.services.flow_runs.create import RunRequest

RUNS_AT_ONCE = 2_000
"""How many runs one transaction makes, unless a single schedule is due for more."""

_Planned = tuple[Schedule, FirePlan]
_Wanted = tuple[Schedule, RunRequest]


async def materialise(work: UnitOfWork, *, horizon: timedelta, limit: int) -> int:
    """Make the runs of due schedules up to a horizon; safe on any number of machines at once.

    A schedule's row lock and the ledger's key make it exactly one run a schedule and instant. A
    schedule that cannot fire any more, or whose run is refused, never holds up the others. The
    number of statements does not depend on how many schedules are due, but for one batch of runs
    for each workspace.

    Args:
        work: a unit of work of the system, of no workspace.
        horizon: how far ahead of now.
        limit: how many schedules at most.

    Returns:
        How many schedules were due; ``limit`` says that there may be more.
    """
    due = await schedules.lock_due(work, until=work.now + horizon, limit=limit)
    fired = await _list_fired(work, due)
    plans = _within_bounds(
        [(one, _plan(work, one, horizon, fired.get(one.id, frozenset()))) for one in due]
    )
    requests = {
        request.id: (schedule, request)
        for schedule, plan in plans
        for request in (_request(schedule, at) for at in plan.create)
    }
    fires = [
        Fire(schedule.workspace_id, schedule.id, at, None)
        for schedule, plan in plans
        for at in plan.skip
    ]
    fires += [
        Fire(schedule.workspace_id, schedule.id, request.expected_start, request.id)
        for schedule, request in requests.values()
        if request.expected_start is not None
    ]
    entered = await schedules.insert_fires(work, fires)
    refused = await _create(work, [requests[id_] for id_ in requests if id_ in entered])
    await schedules.advance(work, [_step(one, plan, refused[one.id]) for one, plan in plans])
    await _tell_missed(work, plans)
    return len(due) if len(plans) == len(due) else limit


def _within_bounds(plans: Sequence[_Planned]) -> list[_Planned]:
    """Return as many of the plans, from the first, as one transaction should carry out."""
    taken: list[_Planned] = []
    runs = 0
    for planned in plans:
        runs += len(planned[1].create)
        if taken and runs > RUNS_AT_ONCE:
            break
        taken.append(planned)
    return taken


async def _list_fired(work: UnitOfWork, due: Sequence[Schedule]) -> dict[UUID, frozenset[datetime]]:
    """Return what is settled already of those that went back behind it; see ``missed``."""
    until = work.now - MISSED_AFTER
    behind = [one for one in due if one.next_fire_at is not None and one.next_fire_at <= until]
    return await schedules.list_fired(work, behind, until=until)


def _plan(
    work: UnitOfWork, schedule: Schedule, horizon: timedelta, fired: frozenset[datetime]
) -> FirePlan:
    try:
        return plan_fires(schedule, now=work.now, horizon=horizon, fired=fired)
    except HeadgateError:
        # Its zone is no longer known on this machine: it stops instead of stopping the others.
        return NOTHING


def _request(schedule: Schedule, at: datetime) -> RunRequest:
    return RunRequest(
        deployment_id=schedule.deployment_id,
        id=ids.new_id(),
        parameters=schedule.parameters,
        expected_start=at,
        schedule_id=schedule.id,
        triggered_by={
            "type": "schedule",
            "scheduleId": ids.show(ids.Kind.SCHEDULE, schedule.id),
            "slug": schedule.slug,
            "generation": schedule.generation,
            "fireAt": at.isoformat(),
        },
    )


def _step(schedule: Schedule, plan: FirePlan, refused: int) -> Step:
    is_open = plan.is_part
    return Step(
        schedule.workspace_id,
        schedule.id,
        plan.next_fire_at,
        missed=plan.missed + refused,
        episode_missed=schedule.episode_missed + plan.missed if is_open else 0,
        episode_started_at=_started_at(schedule) if is_open else None,
    )


def _started_at(schedule: Schedule) -> datetime | None:
    return schedule.episode_started_at or schedule.next_fire_at


async def _tell_missed(work: UnitOfWork, plans: Sequence[_Planned]) -> None:
    """Record one event for each schedule whose outage is settled now: what it missed in all."""
    by_workspace: dict[UUID, list[NewEvent]] = {}
    for schedule, plan in plans:
        missed = schedule.episode_missed + plan.missed
        started_at = _started_at(schedule)
        if plan.is_part or not missed or started_at is None:
            continue
        payload: dict[str, object] = {
            "missed": missed,
            "caughtUp": sum(at <= work.now for at in plan.create),
            "since": started_at.isoformat(),
            "policy": schedule.catch_up.policy.value,
        }
        events = by_workspace.setdefault(schedule.workspace_id, [])
        events.append(_event(schedule, "missed", payload))
    for workspace_id, events in by_workspace.items():
        await record_events(replace(work, tenant_id=workspace_id), events)


async def _create(work: UnitOfWork, wanted: Sequence[_Wanted]) -> Counter[UUID]:
    """Create the runs, workspace by workspace; how many of each schedule were refused."""
    refused: Counter[UUID] = Counter()
    by_workspace: dict[UUID, list[_Wanted]] = {}
    for schedule, request in wanted:
        by_workspace.setdefault(schedule.workspace_id, []).append((schedule, request))
    for workspace_id, group in by_workspace.items():
        bound = replace(work, tenant_id=workspace_id)
        for start in range(0, len(group), flow_runs.MAX_BATCH):
            part = group[start : start + flow_runs.MAX_BATCH]
            results = await flow_runs.create_runs(bound, [request for _, request in part])
            failures = [
                (schedule, request, result)
                for (schedule, request), result in zip(part, results, strict=True)
                if isinstance(result, HeadgateError)
            ]
            refused.update(schedule.id for schedule, _, _ in failures)
            await _note_refusals(bound, failures)
    return refused


async def _note_refusals(
    work: UnitOfWork, failures: Sequence[tuple[Schedule, RunRequest, HeadgateError]]
) -> None:
    if not failures:
        return
    await schedules.skip_fires(
        work, run_ids=[request.id for _, request, _ in failures if request.id is not None]
    )
    reasons = {schedule.id: (schedule, error) for schedule, _, error in failures}
    await record_events(
        work,
        [
            _event(schedule, "refused", {"code": error.code, "message": error.message})
            for schedule, error in reasons.values()
        ],
    )


def _event(schedule: Schedule, verb: str, payload: dict[str, object]) -> NewEvent:
    shown = ids.show(ids.Kind.SCHEDULE, schedule.id)
    return NewEvent(
        name=f"schedule.{verb}",
        resource_id=shown,
        resource={"id": shown, "kind": "schedule", "name": schedule.slug},
        payload=payload,
    )
