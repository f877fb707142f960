"""Why a run is not running: the whole chain, nearest first, with what would end each cause."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blocker_rules import COUNT_CAP, find_blockers
from headgate_server.domain.blockers import Blocker, BlockerCode, Standing
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import check_parameters
from headgate_server.domain.quotas import RUN_KINDS, STORED_KINDS, QuotaKind
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.repositories import blockers as repository
from headgate_server.repositories import pauses
from headgate_server.repositories.flow_runs.plan import get_many_plans
from headgate_server.repositories.flow_runs.read import get_many_flow_runs
from headgate_server.services.approvals import find_refusal, name_now
from headgate_server.services.quotas import list_spent

MOST_HOLDERS = 5
_HELD = frozenset(
    {
        BlockerCode.DEPLOYMENT_LIMIT,
        BlockerCode.QUEUE_LIMIT,
        BlockerCode.POOL_LIMIT,
        BlockerCode.NO_ROOM,
        BlockerCode.QUOTA,
        BlockerCode.GLOBAL_LIMIT,
        BlockerCode.TAG_LIMIT,
    }
)


async def list_blockers(
    work: UnitOfWork, *, run_id: UUID, silent_for: timedelta, may_answer: bool = True
) -> list[Blocker]:
    """Return why a run is not running; nothing where it runs, has ended or starts at once.

    Two statements, two more for the quotas where it waits for an agent, two more where somebody
    holds what it waits for, however many wait, and a few more where it is paused.

    Args:
        work: the unit of work.
        run_id: which.
        silent_for: after such a silence an agent does not count as there.
        may_answer: whether the one who acts holds what answering a pause takes.
    """
    row = await repository.read_standing(
        work, run_id=run_id, deployment_id=None, silent_for=silent_for, cap=COUNT_CAP
    )
    if row is None:
        return []
    is_live = row["phase"] is not None
    waits = await repository.list_waits(work, run_id=run_id) if is_live else []
    standing = Standing(now=work.now, row=row, waits=waits, may_answer=may_answer)
    if row["state_type"] == "PAUSED":
        standing = await _with_approvers(work, standing, run_id=run_id)
    return await _judged(work, standing)


async def _with_approvers(work: UnitOfWork, standing: Standing, *, run_id: UUID) -> Standing:
    """Add who may answer what a run asks for, and whether the one who acts is one of them."""
    pause = (await pauses.get_many_waiting(work, [run_id])).get(run_id)
    run = (await get_many_flow_runs(work, [run_id])).get(run_id)
    if pause is None or run is None:
        return standing
    refusal = await find_refusal(work, run=run, pause=pause)
    approvers, _ = await name_now(work, pause.approvers)
    may_answer = standing.may_answer and refusal is None
    return replace(standing, approvers=approvers, may_answer=may_answer)


async def list_blockers_of_deployment(
    work: UnitOfWork,
    *,
    deployment_id: UUID,
    silent_for: timedelta,
    schedule: Schedule | None = None,
) -> list[Blocker]:
    """Return why the next run of a deployment, or of a schedule, would not be made or start."""
    row = await repository.read_standing(
        work, run_id=None, deployment_id=deployment_id, silent_for=silent_for, cap=COUNT_CAP
    )
    if row is None:
        return []
    refusal = await _refusal(work, schedule) if schedule is not None else None
    standing = Standing(now=work.now, row=row, schedule=schedule, refusal=refusal)
    return await _judged(work, standing)


async def _refusal(work: UnitOfWork, schedule: Schedule) -> str | None:
    """Return why the parameters of a schedule's runs do not fit the schema of its deployment."""
    plan = (await get_many_plans(work, [schedule.deployment_id])).get(schedule.deployment_id)
    if plan is None or plan.enforced_schema is None:
        return None
    parameters = {**plan.parameters, **(schedule.parameters or {})}
    try:
        await asyncio.to_thread(check_parameters, parameters, schema=plan.enforced_schema)
    except InvalidInput as error:
        return error.message
    return None


async def _judged(work: UnitOfWork, standing: Standing) -> list[Blocker]:
    if standing.is_waiting:
        kinds = frozenset({QuotaKind.RUNS_AT_ONCE})
        if standing.of("run_id") is None:
            kinds |= RUN_KINDS | STORED_KINDS
        spent = await list_spent(work, organization_id=standing.of("organization_id"), kinds=kinds)
        standing = replace(standing, quotas=spent)
    found = find_blockers(standing)
    if not any(blocker.code in _HELD for blocker in found):
        return found
    holders = await repository.list_holders(
        work,
        standing.row,
        limit_ids=[wait.id for wait in standing.waits],
        most=MOST_HOLDERS,
    )
    deployment_id = standing.of("deployment_id")
    seconds = None
    if deployment_id is not None:
        seconds = await repository.read_mean_seconds(work, deployment_id=deployment_id)
    return find_blockers(replace(standing, holders=holders, mean_seconds=seconds))
