"""Makes the runs of schedules, a short horizon ahead, and settles what an outage missed."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.events import NewEvent
from headgate_server.domain.flow_runs import BatchTooLarge
from headgate_server.domain.schedules.plan import MISSED_AFTER, NOTHING, FirePlan, plan_fires
from headgate_server.domain.schedules.schedule import Due, Schedule
from headgate_server.repositories import schedule_fires, schedules
from headgate_server.repositories.schedule_fires import Fire
from headgate_server.repositories.schedules import Step
from headgate_server.services import quotas
from headgate_server.services.events import record_events
from headgate_server.services.flow_runs import create as flow_runs
from headgate_server.services.flow_runs.create import RunRequest

RUNS_AT_ONCE = 1_000
"""How many runs one transaction makes, unless a single schedule is due for more."""
STEPS_AT_ONCE = 5_000
"""How much one transaction looks at, but for what it takes to plan its last schedule."""

_Planned = tuple[Schedule, FirePlan]
_Wanted = tuple[Schedule, RunRequest]


async def materialise(
    work: UnitOfWork,
    *,
    horizon: timedelta,
    limit: int,
    due: Due = Due.ALL,
    passed_over: int = 0,
) -> int:
    """Make the runs of due schedules up to a horizon; safe on any number of machines at once.

    A schedule's row lock and the ledger's key make it exactly one run a schedule and instant. A
    schedule that cannot fire any more, or whose run is refused, never holds up the others. The
    number of statements does not depend on how many schedules are due, but for one batch of runs
    for each workspace; how much is looked at and made in one transaction is bounded, however long
    nobody looked.

    Args:
        work: a unit of work of the system, of no workspace.
        horizon: how far ahead of now.
        limit: how many schedules at most.
        due: whether those that are on time, those that are behind, or both.
        passed_over: how many of them, from the first, are left alone.

    Returns:
        How many schedules were due; ``limit`` says that there may be more.
    """
    found = await schedules.lock_due(
        work,
        until=work.now + horizon,
        behind_since=work.now - MISSED_AFTER,
        limit=limit,
        due=due,
        passed_over=passed_over,
    )
    fired = await _list_fired(work, found)
    # Others use the event loop while this reckons.
    plans = await asyncio.to_thread(_plan_all, found, fired, now=work.now, horizon=horizon)
    requests = {
        request.id: (schedule, request)
        for schedule, plan in plans
        for request in (_request(schedule, at) for at in plan.create)
    }
    entered = await schedule_fires.insert_fires(work, _fires(plans, list(requests.values())))
    refused = await _create(work, [requests[id_] for id_ in requests if id_ in entered])
    await schedules.advance(work, [_step(one, plan, refused[one.id]) for one, plan in plans])
    await _tell_missed(work, plans)
    return len(found) if len(plans) == len(found) else limit


def _fires(plans: Sequence[_Planned], requests: Sequence[_Wanted]) -> list[Fire]:
    fires = [
        Fire(schedule.workspace_id, schedule.id, at, None)
        for schedule, plan in plans
        for at in plan.skip
    ]
    fires += [
        Fire(schedule.workspace_id, schedule.id, request.expected_start, request.id)
        for schedule, request in requests
        if request.expected_start is not None
    ]
    return fires


def _plan_all(
    found: Sequence[Schedule],
    fired: Mapping[UUID, frozenset[datetime]],
    *,
    now: datetime,
    horizon: timedelta,
) -> list[_Planned]:
    """Return the plans of as many schedules, from the first, as one transaction should settle."""
    plans: list[_Planned] = []
    runs = steps = 0
    for schedule in found:
        plan = _plan(schedule, fired.get(schedule.id, frozenset()), now=now, horizon=horizon)
        runs += len(plan.create)
        if plans and runs > RUNS_AT_ONCE:
            break
        plans.append((schedule, plan))
        steps += plan.steps
        if steps >= STEPS_AT_ONCE:
            break
    return plans


async def _list_fired(work: UnitOfWork, due: Sequence[Schedule]) -> dict[UUID, frozenset[datetime]]:
    """Return what is settled already of those that went back behind it; see ``missed``."""
    until = work.now - MISSED_AFTER
    behind = [one for one in due if one.next_fire_at is not None and one.next_fire_at <= until]
    return await schedule_fires.list_fired(work, behind, until=until)


def _plan(
    schedule: Schedule, fired: frozenset[datetime], *, now: datetime, horizon: timedelta
) -> FirePlan:
    try:
        return plan_fires(schedule, now=now, horizon=horizon, fired=fired)
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
    """Create the runs, workspace by workspace; how many of each schedule were refused.

    None is made where nothing more may be stored.
    """
    refused: Counter[UUID] = Counter()
    by_workspace: dict[UUID, list[_Wanted]] = {}
    for schedule, request in wanted:
        by_workspace.setdefault(schedule.workspace_id, []).append((schedule, request))
    full = await quotas.find_full(work, sorted(by_workspace)) if by_workspace else {}
    for workspace_id, group in by_workspace.items():
        bound = replace(work, tenant_id=workspace_id)
        spent = full.get(workspace_id)
        left = group
        while left:
            part, rest = left[: flow_runs.MAX_BATCH], left[flow_runs.MAX_BATCH :]
            asked = [request for _, request in part]
            results = [spent] * len(part) if spent else await flow_runs.create_runs(bound, asked)
            found = list(zip(part, results, strict=True))
            # What is too large beside others is made with the next: one alone always fits.
            left = [one for one, result in found if isinstance(result, BatchTooLarge)] + rest
            failures = [
                (schedule, request, result)
                for (schedule, request), result in found
                if isinstance(result, HeadgateError) and not isinstance(result, BatchTooLarge)
            ]
            refused.update(schedule.id for schedule, _, _ in failures)
            await _note_refusals(bound, failures)
    return refused


async def _note_refusals(
    work: UnitOfWork, failures: Sequence[tuple[Schedule, RunRequest, HeadgateError]]
) -> None:
    if not failures:
        return
    await schedule_fires.skip_fires(
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
