"""Changes schedules: upserted by slug, deleted, started again from now.

Whoever changes a schedule holds its deployment's row, then its own; whoever makes runs holds the
schedule's row only. So an edit and the making of runs never meet.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import changed, check_version
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import Forbidden, LimitExceeded, NotFound
from headgate_server.domain.events import NewEvent
from headgate_server.domain.organizations import check_slug
from headgate_server.domain.parameters import check_parameters
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.schedules.catch_up import check_catch_up
from headgate_server.domain.schedules.schedule import MAX_SCHEDULES, Schedule, ScheduleRequest
from headgate_server.domain.schedules.specs import Spec
from headgate_server.domain.schedules.times import first_time, settle_spec
from headgate_server.repositories import deployments, schedules, workspaces
from headgate_server.repositories.schedules import Step
from headgate_server.services import object_counts
from headgate_server.services.events import record_change, record_events


async def upsert_schedule(
    work: UnitOfWork,
    *,
    deployment_id: UUID,
    wanted: ScheduleRequest,
    expected_version: int | None = None,
) -> tuple[Schedule, bool]:
    """Create or change the schedule of a slug, and say whether it was created.

    A change of when it fires, with what or whether at all removes its runs that nobody has taken
    up; they are made anew from now on.

    Raises:
        InvalidInput: a bad slug, specification, catch-up or parameters.
        NotFound: no such deployment; or a version is expected of a schedule that does not exist.
        VersionConflict: the schedule is not of the expected version.
        LimitExceeded: the deployment has 50 schedules.
        QuotaExceeded: the organization has as many as it may.
        Forbidden: the workspace is archived, or its organization suspended.
    """
    await _check_open(work)
    deployment = await deployments.lock_deployment(work, id_=deployment_id)
    if deployment is None:
        raise NotFound("No such deployment, or you may not see it.", path=["deploymentId"])
    existing = await schedules.lock_of_deployment(work, deployment_id=deployment_id)
    current = next((one for one in existing if one.slug == wanted.slug), None)
    if current is not None:
        check_version(current.version, expected=expected_version)
    elif expected_version is not None:
        raise NotFound
    elif len(existing) >= MAX_SCHEDULES:
        raise LimitExceeded(
            f"A deployment has at most {MAX_SCHEDULES} schedules.",
            limit=MAX_SCHEDULES,
            current=len(existing),
        )
    return await _put(work, deployment, current, wanted), current is None


async def replace_schedules(
    work: UnitOfWork, *, deployment: Deployment, wanted: Sequence[ScheduleRequest]
) -> None:
    """Make these the schedules of a locked deployment; a slug that stays keeps its id.

    Raises:
        InvalidInput: a bad schedule, or a slug twice.
        LimitExceeded: more than 50.
    """
    by_slug = {request.slug: request for request in wanted}
    if len(by_slug) != len(wanted) or len(wanted) > MAX_SCHEDULES:
        raise LimitExceeded(
            f"A deployment has at most {MAX_SCHEDULES} schedules, each with its own slug.",
            limit=MAX_SCHEDULES,
            current=len(wanted),
        )
    await _check_open(work)
    existing = await schedules.lock_of_deployment(work, deployment_id=deployment.id)
    current = {schedule.slug: schedule for schedule in existing}
    for schedule in existing:
        if schedule.slug not in by_slug:
            await _delete(work, schedule)
    for request in wanted:
        await _put(work, deployment, current.get(request.slug), request)


async def delete_schedule(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete a schedule with its ledger and its runs that nobody has taken up.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    found = (await schedules.get_many(work, [id_])).get(id_)
    if found is None:
        raise NotFound
    await deployments.lock_deployment(work, id_=found.deployment_id)
    locked = await schedules.lock_of_deployment(work, deployment_id=found.deployment_id)
    schedule = next((one for one in locked if one.id == id_), None)
    if schedule is None:
        raise NotFound
    check_version(schedule.version, expected=expected_version)
    await _delete(work, schedule)


async def delete_all_of(work: UnitOfWork, locked: Sequence[Schedule]) -> None:
    """Delete the locked schedules of a deployment that goes."""
    for schedule in locked:
        await _delete(work, schedule)


async def rearm_schedules(
    work: UnitOfWork, *, deployment: Deployment, due_after: datetime | None = None
) -> None:
    """Start the schedules of a locked deployment again from now, or stop them while it is paused.

    Their runs that nobody has taken up are removed: all of them; or those due after a time, and
    then an instant that still waits for its catch-up keeps waiting.
    """
    await _check_open(work)
    found = await schedules.lock_of_deployment(work, deployment_id=deployment.id)
    if not found:
        return
    await remove_runs(work, [schedule.id for schedule in found], due_after=due_after)
    steps: list[Step] = []
    for one in found:
        next_fire_at = _arm(work, deployment, spec=one.spec, is_active=one.is_active)
        is_behind = one.next_fire_at is not None and one.next_fire_at <= work.now
        if due_after is not None and is_behind:
            next_fire_at = one.next_fire_at
        steps.append(Step.keeping(one, next_fire_at))
    await schedules.advance(work, steps)
    work.wake(channels.SCHEDULER)


async def _check_open(work: UnitOfWork) -> None:
    """Go on only where runs may start, and keep it so until the transaction ends."""
    if not await workspaces.is_kept_open(work):
        raise Forbidden(
            "This workspace is archived, or its organization is suspended: nothing starts there."
        )


async def _put(
    work: UnitOfWork, deployment: Deployment, current: Schedule | None, wanted: ScheduleRequest
) -> Schedule:
    values = _values(work, current, wanted)
    await asyncio.to_thread(_check_parameters, deployment, wanted)
    if current is None:
        values["next_fire_at"] = _arm(
            work, deployment, spec=values["spec"], is_active=wanted.is_active
        )
        made = await schedules.insert_schedule(
            work,
            id_=ids.new_id(),
            deployment_id=deployment.id,
            slug=check_slug(wanted.slug),
            values=values,
        )
        await object_counts.claim(work, QuotaKind.SCHEDULES)
        return await _announce(work, made, None)
    differences = changed(current, values)
    if not differences:
        return current
    is_new_generation = differences.keys() != {"catch_up"}
    changes = dict(differences)
    if is_new_generation:
        await remove_runs(work, [current.id])
        changes["next_fire_at"] = _arm(
            work, deployment, spec=values["spec"], is_active=wanted.is_active
        )
    updated = await schedules.update_schedule(
        work, id_=current.id, changes=changes, is_new_generation=is_new_generation
    )
    return await _announce(work, updated, list(differences), before=current)


def _values(work: UnitOfWork, current: Schedule | None, wanted: ScheduleRequest) -> dict[str, Any]:
    return {
        "spec": settle_spec(wanted.spec, current=current.spec if current else None, now=work.now),
        "is_active": wanted.is_active,
        "parameters": check_document(wanted.parameters, field="parameters"),
        "catch_up": check_catch_up(wanted.catch_up),
    }


def _check_parameters(deployment: Deployment, wanted: ScheduleRequest) -> None:
    """Refuse a schedule whose every run would be refused for its parameters."""
    if deployment.is_schema_enforced and deployment.parameter_schema is not None:
        check_parameters(
            {**deployment.parameters, **(wanted.parameters or {})},
            schema=deployment.parameter_schema,
        )


def _arm(
    work: UnitOfWork, deployment: Deployment, *, spec: Spec, is_active: bool
) -> datetime | None:
    if deployment.is_paused or not is_active:
        return None
    return first_time(spec, after=work.now)


async def _delete(work: UnitOfWork, schedule: Schedule) -> None:
    await remove_runs(work, [schedule.id])
    await schedules.delete_schedule(work, id_=schedule.id)
    await object_counts.release(work, QuotaKind.SCHEDULES)
    await _announce(work, schedule, [], verb="deleted", before=schedule)


async def remove_runs(
    work: UnitOfWork, schedule_ids: Sequence[UUID], *, due_after: datetime | None = None
) -> None:
    """Remove the runs of locked schedules that nobody has taken up, and tell of it."""
    removed = await schedules.remove_unstarted_runs(
        work, schedule_ids=schedule_ids, due_after=due_after
    )
    await record_removed(work, removed, because="Its schedule was changed, paused or deleted.")


async def record_removed(work: UnitOfWork, run_ids: Sequence[UUID], *, because: str) -> None:
    """Record that waiting runs of schedules were removed: one event each."""
    events: list[NewEvent] = []
    for run_id in run_ids:
        shown = ids.show(ids.Kind.FLOW_RUN, run_id)
        events.append(
            NewEvent(
                name="flow_run.deleted",
                resource_id=shown,
                resource={"id": shown, "kind": "flow_run"},
                payload={"reason": because},
            )
        )
    await record_events(work, events)


async def _announce(
    work: UnitOfWork,
    schedule: Schedule,
    changes: list[str] | None,
    *,
    verb: str | None = None,
    before: Schedule | None = None,
) -> Schedule:
    await record_change(
        work,
        kind=ids.Kind.SCHEDULE,
        id_=schedule.id,
        name=schedule.slug,
        version=schedule.version,
        changed=changes,
        verb=verb,
        before=before,
        after=None if verb == "deleted" else schedule,
    )
    work.wake(channels.SCHEDULER)
    return schedule
