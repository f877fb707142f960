"""Changes schedules: upserted by slug, deleted, started again from now.

Whoever changes a schedule holds its deployment's row, then its own; whoever makes runs holds the
schedule's row only. So an edit and the making of runs never meet.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import changed, check_absent, check_version
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
from headgate_server.repositories.schedules import NewSchedule, Step
from headgate_server.services import object_counts
from headgate_server.services.events import Change, record_changes, record_events


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
        Conflict: none was expected, and there is one.
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
        shown = ids.show(ids.Kind.SCHEDULE, current.id)
        check_absent(shown, expected=expected_version, field="slug")
        check_version(current.version, expected=expected_version)
    elif expected_version:
        raise NotFound
    elif len(existing) >= MAX_SCHEDULES:
        raise LimitExceeded(
            f"A deployment has at most {MAX_SCHEDULES} schedules.",
            limit=MAX_SCHEDULES,
            current=len(existing),
        )
    put = await _put_all(work, deployment, {one.slug: one for one in existing}, [wanted])
    return put[wanted.slug], current is None


async def replace_schedules(
    work: UnitOfWork, *, deployment: Deployment, wanted: Sequence[ScheduleRequest]
) -> bool:
    """Make these the schedules of a locked deployment; a slug that stays keeps its id.

    The number of statements does not depend on how many they are.

    Returns:
        Whether any was made, changed or deleted.

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
    gone = [one for one in existing if one.slug not in by_slug]
    await delete_all_of(work, gone)
    put = await _put_all(work, deployment, current, wanted)
    return bool(gone) or put != current


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
    await delete_all_of(work, [schedule])


async def delete_all_of(work: UnitOfWork, locked: Sequence[Schedule]) -> None:
    """Delete locked schedules with their ledgers and their runs that nobody has taken up."""
    if not locked:
        return
    gone = [schedule.id for schedule in locked]
    await remove_runs(work, gone)
    await schedules.delete_schedules(work, ids=gone)
    await object_counts.release(work, QuotaKind.SCHEDULES, amount=len(gone))
    await _announce(work, [_change(one, [], verb="deleted", before=one) for one in locked])


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
    armed = await asyncio.to_thread(
        lambda: [
            _arm(deployment, spec=one.spec, is_active=one.is_active, now=work.now) for one in found
        ]
    )
    steps: list[Step] = []
    for one, next_fire_at in zip(found, armed, strict=True):
        is_behind = one.next_fire_at is not None and one.next_fire_at <= work.now
        if due_after is not None and is_behind:
            steps.append(Step.keeping(one, one.next_fire_at))
        else:
            steps.append(Step.keeping(one, next_fire_at))
    await schedules.advance(work, steps)
    work.wake(channels.SCHEDULER)


async def _check_open(work: UnitOfWork) -> None:
    """Go on only where runs may start, and keep it so until the transaction ends."""
    if not await workspaces.is_kept_open(work):
        raise Forbidden(
            "This workspace is archived, or its organization is suspended: nothing starts there."
        )


@dataclass(frozen=True, slots=True)
class _Put:
    """A schedule that is asked for: as it is, as it shall be, and when it fires first then."""

    slug: str
    current: Schedule | None
    values: dict[str, Any]
    next_fire_at: datetime | None

    @property
    def differences(self) -> dict[str, Any]:
        return {} if self.current is None else changed(self.current, self.values)

    @property
    def is_new_generation(self) -> bool:
        """Whether its runs are made anew: not where only its catch-up is another."""
        return bool(self.differences.keys() - {"catch_up"})


async def _put_all(
    work: UnitOfWork,
    deployment: Deployment,
    current: Mapping[str, Schedule],
    wanted: Sequence[ScheduleRequest],
) -> dict[str, Schedule]:
    """Create or change schedules of a locked deployment, and return them by slug."""
    # Reckoning when each of them fires takes a while: others go on meanwhile.
    puts = await asyncio.to_thread(_prepare, deployment, current, wanted, now=work.now)
    new = [
        NewSchedule(ids.new_id(), put.slug, put.values | {"next_fire_at": put.next_fire_at})
        for put in puts
        if put.current is None
    ]
    made = await schedules.insert_schedules(work, deployment_id=deployment.id, new=new)
    if made:
        await object_counts.claim(work, QuotaKind.SCHEDULES, amount=len(made))
    updated = await _update(work, puts)
    by_id = {one.id: one for one in (*made, *updated)}
    by_slug = dict(current) | {one.slug: one for one in by_id.values()}
    await _announce(
        work,
        [
            _change(
                by_slug[put.slug],
                list(put.differences) if put.current else None,
                before=put.current,
            )
            for put in puts
            if by_slug[put.slug].id in by_id
        ],
    )
    return by_slug


def _prepare(
    deployment: Deployment,
    current: Mapping[str, Schedule],
    wanted: Sequence[ScheduleRequest],
    *,
    now: datetime,
) -> list[_Put]:
    puts: list[_Put] = []
    for one in wanted:
        existing = current.get(one.slug)
        spec = settle_spec(one.spec, current=existing.spec if existing else None, now=now)
        values: dict[str, Any] = {
            "spec": spec,
            "is_active": one.is_active,
            "parameters": check_document(one.parameters, field="parameters"),
            "catch_up": check_catch_up(one.catch_up),
        }
        _check_parameters(deployment, one)
        next_fire_at = _arm(deployment, spec=spec, is_active=one.is_active, now=now)
        slug = one.slug if existing else check_slug(one.slug)
        puts.append(_Put(slug, existing, values, next_fire_at))
    return puts


async def _update(work: UnitOfWork, puts: Sequence[_Put]) -> list[Schedule]:
    """Write what differs of schedules, and return those that were changed, as they are stored."""
    anew: list[UUID] = []
    written: list[Schedule] = []
    for put in puts:
        if put.current is None or not put.differences:
            continue
        one = replace(
            put.current, **put.values, version=put.current.version + 1, updated_at=work.now
        )
        if put.is_new_generation:
            anew.append(one.id)
            one = replace(one, next_fire_at=put.next_fire_at, generation=one.generation + 1)
        written.append(one)
    if anew:
        await remove_runs(work, anew)
    await schedules.update_schedules(work, written)
    stored = await schedules.get_many(work, [one.id for one in written]) if written else {}
    return list(stored.values())


def _check_parameters(deployment: Deployment, wanted: ScheduleRequest) -> None:
    """Refuse a schedule whose every run would be refused for its parameters."""
    if deployment.is_schema_enforced and deployment.parameter_schema is not None:
        check_parameters(
            {**deployment.parameters, **(wanted.parameters or {})},
            schema=deployment.parameter_schema,
        )


def _arm(deployment: Deployment, *, spec: Spec, is_active: bool, now: datetime) -> datetime | None:
    if deployment.is_paused or not is_active:
        return None
    return first_time(spec, after=now)


async def remove_runs(
    work: UnitOfWork, schedule_ids: Sequence[UUID], *, due_after: datetime | None = None
) -> None:
    """Remove the runs of locked schedules that nobody has taken up, and tell of it.

    A run that is only offered goes, too: whoever claims it is told that the lease is lost. Was it
    claimed first, it stays as it was made.
    """
    removed = await schedules.remove_unstarted_runs(
        work, schedule_ids=schedule_ids, due_after=due_after
    )
    work.wake(*(channels.pool(id_) for id_ in removed.offering_pool_ids))
    work.wake(*(channels.agent(id_) for id_ in removed.session_ids))
    await record_removed(
        work, removed.run_ids, because="Its schedule was changed, paused or deleted."
    )


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


def _change(
    schedule: Schedule,
    changes: list[str] | None,
    *,
    verb: str | None = None,
    before: Schedule | None = None,
) -> Change:
    return Change(
        ids.Kind.SCHEDULE,
        schedule.id,
        schedule.slug,
        schedule.version,
        changes,
        verb=verb,
        before=before,
        after=None if verb == "deleted" else schedule,
    )


async def _announce(work: UnitOfWork, changes: Sequence[Change]) -> None:
    if changes:
        await record_changes(work, changes)
        work.wake(channels.SCHEDULER)
