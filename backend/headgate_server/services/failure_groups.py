"""Failure groups: made by a loop from runs that failed, changed by people, retried as a whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import check_version
from headgate_server.domain.errors import InvalidInput, NotFound
from headgate_server.domain.events import NewEvent
from headgate_server.domain.failure_groups import (
    Failure,
    FailureGroup,
    FailureGroupStatus,
    GroupFilter,
    fingerprint_of,
)
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.quotas import QuotaExceeded
from headgate_server.repositories import failure_groups
from headgate_server.repositories.failure_groups import GroupedFailures, UngroupedFailure
from headgate_server.services.events import record_change, record_events
from headgate_server.services.flow_runs import bulk
from headgate_server.services.transitions import Transition

FAILURES_AT_ONCE = 500
MAX_RETRIES_AT_ONCE = bulk.MAX_BATCH


@dataclass(frozen=True, slots=True)
class GroupRetry:
    """What became of the runs of a group that were retried.

    Args:
        run_ids: which, in order.
        results: one a run.
        remaining: how many are still to be, and
        refused: how many are not: they stand as the group says, and were refused a new start, now
            or before; each up to 10,000.
    """

    run_ids: Sequence[UUID]
    results: Sequence[bulk.Result]
    remaining: int
    refused: int


async def group_failures(work: UnitOfWork) -> int:
    """Put failures that are in no group yet into theirs, and tell of new and regressed groups.

    It runs beside the transitions: those only note that a run failed. Any number of loops may do
    this at once, and a group that fails a thousand times at once is written once a batch.

    Args:
        work: a unit of work of the system, of no workspace.

    Returns:
        How many failures were taken; ``FAILURES_AT_ONCE`` says that there may be more.
    """
    found = await failure_groups.take_failures(work, most=FAILURES_AT_ONCE)
    if not found:
        return 0
    # Patterns over tracebacks are pure Python: others go on meanwhile.
    made = await asyncio.to_thread(_read_all, found)
    by_workspace: dict[UUID, list[NewEvent]] = {}
    for grouped in await failure_groups.put_failures(work, made):
        if grouped.is_new or grouped.is_regressed:
            events = by_workspace.setdefault(grouped.group.workspace_id, [])
            events.append(_event(grouped))
    for workspace_id, events in by_workspace.items():
        await record_events(replace(work, tenant_id=workspace_id), events)
    return len(found)


async def set_status(
    work: UnitOfWork,
    *,
    id_: UUID,
    status: FailureGroupStatus,
    expected_version: int | None = None,
) -> FailureGroup:
    """Mute, resolve or open a group; doing it again changes nothing.

    A resolved group that is seen again becomes REGRESSED; a muted one stays muted. A run of a
    version that had been replaced as it was resolved does not bring it back.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
        InvalidInput: REGRESSED, which a group becomes by itself.
    """
    if status is FailureGroupStatus.REGRESSED:
        raise InvalidInput(
            "A group becomes REGRESSED by itself; say OPEN, MUTED or RESOLVED.", path=["status"]
        )
    current = await failure_groups.lock_group(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    if current.status is status:
        return current
    changed = await failure_groups.set_status(work, id_=id_, status=status)
    await record_change(
        work,
        kind=ids.Kind.FAILURE_GROUP,
        id_=id_,
        name=current.exception_type,
        version=changed.version,
        changed=["status"],
        verb=_VERBS[status],
        before=current,
        after=changed,
    )
    return changed


async def retry_group(
    work: UnitOfWork, *, id_: UUID, most: int = MAX_RETRIES_AT_ONCE
) -> GroupRetry:
    """Start the runs again that are still as the group says, the oldest first.

    Those whose deployment or queue is gone come last. A run that is refused, for that or as today's
    schema refuses its parameters, is told so once, and left out from then on: until its deployment
    has another version, or it has failed anew. So who asks again and again comes to an end. Where a
    quota has no room, nothing is noted of those it is refused for: they remain.

    Args:
        work: the unit of work.
        id_: the group.
        most: 1 to 100; call again for those that remain.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        InvalidInput: a number out of range.
    """
    if not 1 <= most <= MAX_RETRIES_AT_ONCE:
        raise InvalidInput(f"first is from 1 to {MAX_RETRIES_AT_ONCE}.", path=["first"])
    if id_ not in await failure_groups.get_many(work, [id_]):
        raise NotFound
    found = await failure_groups.list_failed(work, group_id=id_, most=COUNT_CAP)
    chosen = found[:most]
    run_ids = [one.run_id for one in chosen]
    results = await bulk.retry_runs(work, run_ids) if chosen else []
    told = list(zip(chosen, results, strict=True))
    await failure_groups.mark_refused(work, [one for one, result in told if _is_final(result)])
    refused = await failure_groups.count_refused(work, group_id=id_, cap=COUNT_CAP)
    waiting = sum(isinstance(result, QuotaExceeded) for result in results)
    remaining = len(found) - len(chosen) + waiting
    return GroupRetry(run_ids, results, remaining=remaining, refused=refused)


def _is_final(result: bulk.Result) -> bool:
    """Whether a run is refused for what asking again does not change."""
    is_illegal = isinstance(result, Transition) and result.error is not None
    return is_illegal or isinstance(result, InvalidInput)


async def get_many_groups(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, FailureGroup]:
    """Return those of the groups that are in the workspace, by id."""
    return await failure_groups.get_many(work, ids_)


async def get_many_of_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> dict[UUID, FailureGroup]:
    """Return the group of each run's latest failure; absent for a run that never failed."""
    return await failure_groups.get_many_of_runs(work, run_ids)


async def list_groups(
    work: UnitOfWork, *, page: PageRequest, filter: GroupFilter
) -> Page[FailureGroup]:
    """Return a page of groups, the one seen last first: the key is ``(last_seen_at, id)``."""
    return await failure_groups.list_groups(work, page=page, filter=filter)


async def count_groups(work: UnitOfWork, *, filter: GroupFilter, cap: int = COUNT_CAP) -> int:
    """Return how many groups match; ``cap + 1`` stands for more than ``cap``."""
    return await failure_groups.count_groups(work, filter=filter, cap=cap)


async def list_runs(work: UnitOfWork, *, group_id: UUID, page: PageRequest) -> Page[FlowRun]:
    """Return a page of the runs that failed so, the one made last first: the key is ``(id,)``."""
    return await failure_groups.list_runs(work, group_id=group_id, page=page)


async def count_runs(work: UnitOfWork, *, group_id: UUID, cap: int = COUNT_CAP) -> int:
    """Return how many kept runs failed so; ``cap + 1`` stands for more than ``cap``."""
    return await failure_groups.count_runs(work, group_id=group_id, cap=cap)


_VERBS = {
    FailureGroupStatus.OPEN: "opened",
    FailureGroupStatus.MUTED: "muted",
    FailureGroupStatus.RESOLVED: "resolved",
}


def _read_all(found: Sequence[UngroupedFailure]) -> list[Failure]:
    return [
        Failure(
            workspace_id=one.workspace_id,
            flow_run_id=one.flow_run_id,
            sequence=one.sequence,
            flow_id=one.flow_id,
            deployment_version_id=one.deployment_version_id,
            failed_at=one.failed_at,
            fingerprint=fingerprint_of(
                state_name=one.state_name, message=one.message, details=one.details
            ),
        )
        for one in found
    ]


def _event(grouped: GroupedFailures) -> NewEvent:
    group = grouped.group
    shown = ids.show(ids.Kind.FAILURE_GROUP, group.id)
    payload: dict[str, object] = {
        "exceptionType": group.exception_type,
        "message": group.message,
        "failures": group.failure_count,
        "status": group.status.value,
    }
    if group.last_version_id is not None:
        kind = ids.Kind.DEPLOYMENT_VERSION
        payload["deploymentVersionId"] = ids.show(kind, group.last_version_id)
    if group.resolved_at is not None:
        payload["resolvedAt"] = group.resolved_at.isoformat()
    return NewEvent(
        name=f"failure_group.{'created' if grouped.is_new else 'regressed'}",
        resource_id=shown,
        resource={"id": shown, "kind": "failure_group", "name": group.exception_type},
        payload=payload,
        related=({"kind": "flow", "id": ids.show(ids.Kind.FLOW, group.flow_id)},),
    )
