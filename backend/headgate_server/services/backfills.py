"""Backfills: planned, stored, paused, resumed, cancelled, retried; a loop makes their runs."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids, names
from headgate_server.domain.backfills import (
    MAX_LIVE,
    Backfill,
    BackfillItem,
    BackfillItemStatus,
    BackfillRequest,
    BackfillStatus,
    PlannedItem,
    plan_items,
)
from headgate_server.domain.changes import check_version
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.documents import check_document, check_documents
from headgate_server.domain.errors import (
    Conflict,
    HeadgateError,
    InvalidInput,
    LimitExceeded,
    NotFound,
)
from headgate_server.domain.flow_runs import MAX_PRIORITY, MIN_PRIORITY, BatchTooLarge
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.parameters import Budget, check_parameters
from headgate_server.domain.quotas import QuotaExceeded
from headgate_server.domain.states import StateType
from headgate_server.repositories import backfill_items as stored_items
from headgate_server.repositories import backfills
from headgate_server.repositories.backfill_items import Outcome
from headgate_server.repositories.backfills import Left
from headgate_server.repositories.flow_runs.plan import DeploymentPlan, get_many_plans
from headgate_server.services import backfill_items, quotas
from headgate_server.services.events import record_change
from headgate_server.services.flow_runs.create import RunRequest, create_runs

LOOK_AGAIN = timedelta(seconds=1)
"""How soon a backfill is looked at again while its runs go on, at first."""
LOOK_LESS = 10
"""It waits a tenth of the time for which nothing was made of it; the end of a run hastens it."""
LOOK_LATER = timedelta(seconds=30)
"""How soon it is tried again where a quota has no room, or nothing may start: the longest."""
MOST_REASONS = 20
CHECKED_ITEMS = 100
"""So many items are checked against the schema as a backfill is made; the others as they run."""


async def plan_backfill(work: UnitOfWork, request: BackfillRequest) -> list[PlannedItem]:
    """Return what a backfill would run, in its order, and store nothing.

    Raises:
        NotFound: no such deployment.
        InvalidInput: what cannot be planned, or parameters that the schema refuses.
    """
    plan = (await get_many_plans(work, [request.deployment_id])).get(request.deployment_id)
    if plan is None:
        raise NotFound("No such deployment, or you may not see it.", path=["deploymentId"])
    if plan.work_pool_id is None:
        raise InvalidInput(
            f"The deployment {plan.name} names no work pool, so no agent would run it; deploy it "
            "again with one.",
            path=["deploymentId"],
        )
    if not MIN_PRIORITY <= request.priority <= MAX_PRIORITY:
        raise InvalidInput(
            f"priority is from {MIN_PRIORITY} to {MAX_PRIORITY}, high first.", path=["priority"]
        )
    return await asyncio.to_thread(_plan, request, plan)


async def create_backfill(work: UnitOfWork, request: BackfillRequest) -> Backfill:
    """Store a backfill; a loop begins with it at once.

    Raises:
        NotFound: no such deployment.
        InvalidInput: what cannot be planned, or parameters that the schema refuses.
        LimitExceeded: very many go on or are paused; who asks at the same time may still be let in.
    """
    planned = await plan_backfill(work, request)
    await _check_room(work)
    made = await backfills.insert_backfill(
        work,
        request,
        id_=ids.new_id(),
        name=request.name or names.run_name(),
        planned=planned,
    )
    await _record(work, made, before=None, verb="created")
    work.wake(channels.SCHEDULER)
    return made


async def _check_room(work: UnitOfWork) -> None:
    if await backfills.count_live(work, most=MAX_LIVE) >= MAX_LIVE:
        raise LimitExceeded(
            f"{MAX_LIVE:,} backfills of this workspace go on or are paused, and more there may not "
            "be; wait until some have ended, or cancel some.",
            limit=MAX_LIVE,
            current=MAX_LIVE,
        )


async def set_paused(work: UnitOfWork, *, id_: UUID, is_paused: bool) -> Backfill:
    """Pause or resume a backfill; doing it again changes nothing. Runs that it has made go on.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        Conflict: it has ended.
    """
    status = BackfillStatus.PAUSED if is_paused else BackfillStatus.RUNNING
    return await _move(work, id_, status, verb="paused" if is_paused else "resumed")


async def cancel_backfill(
    work: UnitOfWork, *, id_: UUID, cancels_runs: bool = False, expected_version: int | None = None
) -> Backfill:
    """End a backfill: what waits of it never runs; cancelling it again changes nothing.

    Args:
        work: the unit of work.
        id_: which.
        cancels_runs: whether the runs that it has made are cancelled, too: the first 100 of them
            here, the others by the loop, and so those that somebody is just changing.
        expected_version: refuses if it has another one.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        Conflict: it has completed.
        VersionConflict: it is not of the expected version.
    """
    moved = await _move(
        work, id_, BackfillStatus.CANCELLED, verb="cancelled", expected_version=expected_version
    )
    if cancels_runs and await backfill_items.cancel_runs(work, moved, by=work.actor):
        await backfills.set_cancelling(work, id_=id_, by=work.actor)
    if cancels_runs:
        await backfills.set_due(work, id_=id_, at=work.now)
        work.wake(channels.SCHEDULER)
    return moved


async def retry_backfill(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> Backfill:
    """Let the items that have no completed run have another: refused, failed and cancelled ones.

    One that had ended goes on; a paused one stays paused.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        Conflict: it was cancelled, or no item has failed.
        VersionConflict: it is not of the expected version.
        LimitExceeded: it has ended, and very many go on or are paused.
    """
    current = await backfills.lock_backfill(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    if current.status is BackfillStatus.CANCELLED:
        raise Conflict("This backfill is CANCELLED already; make another.")
    if current.status.is_final:
        await _check_room(work)
    await backfills.settle(work, id_=id_)
    if not await backfills.reopen_failed(work, id_=id_):
        raise Conflict("No item of this backfill has failed.")
    status = BackfillStatus.RUNNING if current.status.is_final else current.status
    moved = await backfills.set_status(work, id_=id_, status=status)
    await _record(work, moved, before=current, verb="retried")
    work.wake(channels.SCHEDULER)
    return moved


async def advance_backfill(work: UnitOfWork, *, id_: UUID) -> int:
    """Make the runs for which a backfill has room, and end it when nothing is left of it.

    Its row is locked meanwhile: two loops make no item's run twice. An item that is refused says
    why and holds nothing up; where a quota has no room, its item waits. Its runs wait for the
    deployment's limit, whatever follows for others there: no day is left out for another. Of one
    that was stopped it is noted how its runs end, until all have.

    Returns:
        Of how many items a run was made or refused; 0 also where another loop is at it.
    """
    current = await backfills.lock_backfill(work, id_=id_, is_waiting=False)
    if current is None:
        return 0
    left = await backfills.settle(work, id_=id_)
    if current.status is not BackfillStatus.RUNNING:
        await _look_after(work, current, left=left)
        return 0
    if left.waiting == 0 and left.started == 0:
        status = BackfillStatus.FAILED if left.failed else BackfillStatus.COMPLETED
        ended = await backfills.set_status(work, id_=id_, status=status)
        await _record(work, ended, before=current, verb=status.value.lower())
        return 0
    most = await _most_at_once(work, current)
    room = min(most - left.started, left.waiting)
    if room <= 0:
        await backfills.set_due(work, id_=id_, at=work.now + _look_while_runs_go_on(work, left))
        return 0
    if await quotas.find_full(work, [work.workspace_id]):
        await backfills.set_due(work, id_=id_, at=work.now + LOOK_LATER)
        return 0
    waiting = await stored_items.list_waiting(work, id_=id_, most=room)
    results = await create_runs(work, [_request(current, item) for item in waiting])
    outcomes = [
        Outcome(item.position, None, result.message)
        if isinstance(result, HeadgateError)
        else Outcome(item.position, result.id, None)
        for item, result in zip(waiting, results, strict=True)
        if not _is_for_later(result)
    ]
    await stored_items.store_outcomes(work, id_=id_, outcomes=outcomes)
    await backfills.set_due(work, id_=id_, at=work.now + _look_after_round(results, outcomes))
    return len(outcomes)


def _look_after_round(results: Sequence[object], outcomes: Sequence[Outcome]) -> timedelta:
    """Return how soon a backfill is looked at again after runs were asked for.

    Who is refused holds no place: the next items are taken up at once.
    """
    if any(isinstance(result, QuotaExceeded) for result in results):
        return LOOK_LATER
    is_refused = any(outcome.run_id is None for outcome in outcomes)
    return timedelta() if is_refused else LOOK_AGAIN


async def _look_after(work: UnitOfWork, stopped: Backfill, *, left: Left) -> None:
    """Carry on with a backfill that makes no runs, and say when it is looked at again."""
    by = stopped.runs_cancelled_by
    wait = LOOK_AGAIN if by is not None else _look_while_runs_go_on(work, left)
    if by is not None and not await backfill_items.cancel_runs(work, stopped, by=by):
        await backfills.set_cancelling(work, id_=stopped.id, by=None)
    await backfills.set_due(work, id_=stopped.id, at=work.now + wait if left.started else None)


def _look_while_runs_go_on(work: UnitOfWork, left: Left) -> timedelta:
    """Return how soon a backfill is looked at again that waits for its runs.

    An end that is missed, as it came while the backfill was being looked at, is found by this; soon
    where another one was found, as ends come together.
    """
    if left.ended:
        return LOOK_AGAIN
    made_at = ids.made_at(left.newest) if left.newest is not None else None
    waited = work.now - made_at if made_at is not None else timedelta()
    return min(max(waited / LOOK_LESS, LOOK_AGAIN), LOOK_LATER)


async def put_off(work: UnitOfWork, *, id_: UUID) -> None:
    """Have a backfill looked at in half a minute: it could not be advanced."""
    await backfills.set_due(work, id_=id_, at=work.now + LOOK_LATER)


list_due = backfills.list_due


async def get_many_backfills(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Backfill]:
    """Return those of the backfills that are in the workspace, by id."""
    return await backfills.get_many(work, ids_)


async def get_many_counts(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, Mapping[BackfillItemStatus, int]]:
    """Return how many items of each backfill are in each status; no zeros."""
    return await stored_items.get_many_counts(work, ids_)


async def get_many_outcomes(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, Mapping[StateType, int]]:
    """Return how many runs of each backfill's items ended in each state; no zeros."""
    return await stored_items.get_many_outcomes(work, ids_)


async def get_many_refusals(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, Mapping[str, int]]:
    """Return why items of each backfill were refused and how many, the most frequent first."""
    return await stored_items.get_many_refusals(work, ids_, most=MOST_REASONS)


async def list_backfills(
    work: UnitOfWork, *, page: PageRequest, deployment_id: UUID | None = None
) -> Page[Backfill]:
    """Return a page of backfills, the newest first: the page key is ``(id,)``."""
    return await backfills.list_backfills(work, page=page, deployment_id=deployment_id)


async def count_backfills(
    work: UnitOfWork, *, deployment_id: UUID | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many backfills there are; ``cap + 1`` stands for more than ``cap``."""
    return await backfills.count_backfills(work, deployment_id=deployment_id, cap=cap)


async def list_items(work: UnitOfWork, *, id_: UUID, page: PageRequest) -> Page[BackfillItem]:
    """Return a page of a backfill's items in its order: the page key is ``(position,)``."""
    return await stored_items.list_items(work, id_=id_, page=page)


async def count_items(work: UnitOfWork, *, id_: UUID, cap: int = COUNT_CAP) -> int:
    """Return how many items a backfill has; ``cap + 1`` stands for more than ``cap``."""
    return await stored_items.count_items(work, id_=id_, cap=cap)


async def _most_at_once(work: UnitOfWork, backfill: Backfill) -> int:
    """Return how many runs a backfill may have there: no crowd where others are cancelled for it.

    Where runs wait for a limit anyway, as many wait as its parallelism says.
    """
    plan = (await get_many_plans(work, [backfill.deployment_id])).get(backfill.deployment_id)
    limit = plan.concurrency_limit if plan is not None else None
    if plan is None or limit is None or plan.on_collision is CollisionPolicy.ENQUEUE:
        return backfill.parallelism
    return min(backfill.parallelism, max(limit, 1))


def _plan(request: BackfillRequest, plan: DeploymentPlan) -> list[PlannedItem]:
    planned = plan_items(request)
    check_documents((item.parameters for item in planned), field="parameterSets")
    budget = Budget()
    for item in planned[:CHECKED_ITEMS]:
        parameters = {**plan.parameters, **item.parameters}
        check_document(parameters, field="parameters")
        if plan.enforced_schema is not None:
            check_parameters(parameters, schema=plan.enforced_schema, budget=budget)
    return planned


async def _move(
    work: UnitOfWork,
    id_: UUID,
    status: BackfillStatus,
    *,
    verb: str,
    expected_version: int | None = None,
) -> Backfill:
    current = await backfills.lock_backfill(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    if current.status is status:
        return current
    if current.status.is_final:
        raise Conflict(f"This backfill is {current.status.value} already; make another.")
    moved = await backfills.set_status(work, id_=id_, status=status)
    await _record(work, moved, before=current, verb=verb)
    work.wake(channels.SCHEDULER)
    return moved


async def _record(
    work: UnitOfWork, backfill: Backfill, *, before: Backfill | None, verb: str
) -> None:
    await record_change(
        work,
        kind=ids.Kind.BACKFILL,
        id_=backfill.id,
        name=backfill.name,
        version=backfill.version,
        changed=None if before is None else ["status"],
        verb=verb,
        before=before,
        after=backfill,
    )


def _request(backfill: Backfill, item: BackfillItem) -> RunRequest:
    triggered_by = {
        "type": "backfill",
        "backfillId": ids.show(ids.Kind.BACKFILL, backfill.id),
        "name": backfill.name,
        "position": item.position,
    }
    if item.instant is not None:
        triggered_by["instant"] = item.instant.isoformat()
    return RunRequest(
        deployment_id=backfill.deployment_id,
        parameters=item.parameters,
        priority=backfill.priority,
        triggered_by=triggered_by,
        is_patient=True,
    )


def _is_for_later(result: object) -> bool:
    """Whether a run is refused for what passes: a quota without room, or large ones beside it."""
    return isinstance(result, QuotaExceeded | BatchTooLarge)
