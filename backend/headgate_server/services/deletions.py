"""Deletes runs, flows, deployments, pools and queues: refused while live runs need them.

What has ended stays readable: a run remembers its deployment, pool and queue by their ids only, so
that deleting one of them costs the same however many runs it had. A run needs its flow for ever, so
a flow goes together with its runs.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import check_version
from headgate_server.domain.errors import (
    Conflict,
    HeadgateError,
    InvalidInput,
    LimitExceeded,
    NotFound,
)
from headgate_server.domain.events import NewEvent
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.work_queues import DEFAULT_NAME
from headgate_server.repositories import cancels, deletions, deployments, schedules
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import Record, record_entries
from headgate_server.services.events import record_change, record_events
from headgate_server.services.roles import forget_roles_on
from headgate_server.services.schedules.upsert import delete_all_of

MAX_BATCH = 100
MAX_RUNS_OF_FLOW = 1_000
_SHOWN = 3


async def delete_flow_run(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete a run that has ended, with its history, task runs, logs and idempotency keys.

    The runs that it started stay. An instant that it was made for never fires again.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        Conflict: it has not ended.
        VersionConflict: it is not of the expected version.
    """
    run = await _lock_ended(work, id_)
    await _check_reached(work, [id_])
    check_version(run.version, expected=expected_version)
    await deletions.delete_runs(work, [id_])
    await _tell_deleted(work, [run])
    await _record_runs(work, [run])


async def delete_flow_runs(work: UnitOfWork, ids_: Sequence[UUID]) -> list[HeadgateError | None]:
    """Delete runs that have ended, each for itself: what became of each, in order; None is gone.

    Raises:
        InvalidInput: no run, more than 100, or one twice.
    """
    if not 1 <= len(ids_) <= MAX_BATCH or len(set(ids_)) != len(ids_):
        raise InvalidInput(f"A batch holds 1 to {MAX_BATCH} runs, each once.", path=["ids"])
    results: dict[UUID, HeadgateError | None] = {}
    ended: list[FlowRun] = []
    for id_ in sorted(ids_):
        try:
            ended.append(await _lock_ended(work, id_))
            results[id_] = None
        except (NotFound, Conflict) as error:
            results[id_] = error
    reaching = await cancels.list_unfinished_ends(work, [run.id for run in ended])
    results |= {id_: _is_reaching(id_) for id_ in reaching}
    ended = [run for run in ended if run.id not in reaching]
    if ended:
        await deletions.delete_runs(work, [run.id for run in ended])
        await _tell_deleted(work, ended)
        await _record_runs(work, ended)
    return [results[id_] for id_ in ids_]


async def delete_flow(work: UnitOfWork, *, id_: UUID, expected_version: int | None = None) -> None:
    """Delete a flow with its runs, which have all ended.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: it has deployments, or runs that have not ended.
        LimitExceeded: it has more than 1,000 runs.
    """
    flow = await _lock(work, deletions.FLOW, id_, expected_version)
    await _check_unused(work, deletions.FLOW, id_, noun="flow")
    run_ids = await deletions.list_runs_of_flow(work, flow_id=id_, most=MAX_RUNS_OF_FLOW + 1)
    if len(run_ids) > MAX_RUNS_OF_FLOW:
        raise LimitExceeded(
            f"A flow goes with its runs, at most {MAX_RUNS_OF_FLOW} at once; delete runs of it "
            "with flowRunDeleteBatch, or let retention do so, and try again.",
            limit=MAX_RUNS_OF_FLOW,
            current=len(run_ids),
        )
    if run_ids:
        await _check_reached(work, run_ids)
        await _tell_deleted(work, [await _lock_ended(work, run_id) for run_id in run_ids])
        await deletions.delete_runs(work, run_ids)
    await deletions.delete_row(work, deletions.FLOW, id_=id_)
    await _record(work, ids.Kind.FLOW, flow)


async def delete_deployment(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete a deployment with its schedules and the runs of those that nobody has taken up.

    Runs that have ended stay, without a deployment.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: other runs or backfills of it have not ended.
    """
    if await deployments.lock_deployment(work, id_=id_) is None:
        raise NotFound
    # Whoever makes runs of a schedule holds it and then refers to its deployment: so wait for
    # the schedules first, and only then keep others from referring to the deployment.
    found = await schedules.lock_of_deployment(work, deployment_id=id_)
    deployment = await _lock(work, deletions.DEPLOYMENT, id_, expected_version)
    await delete_all_of(work, found)
    await _check_unused(work, deletions.DEPLOYMENT, id_, noun="deployment")
    await deletions.delete_row(work, deletions.DEPLOYMENT, id_=id_)
    await forget_roles_on(work, object_id=id_)
    await object_counts.release(work, QuotaKind.DEPLOYMENTS)
    await _record(work, ids.Kind.DEPLOYMENT, deployment)


async def delete_work_pool(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete a pool with its queues and agents; the keys of its agents are revoked.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: deployments name it, or runs in it have not ended.
    """
    pool = await _lock(work, deletions.POOL, id_, expected_version)
    await _check_unused(work, deletions.POOL, id_, noun="work pool")
    revoked = await deletions.revoke_keys_of_pool(work, work_pool_id=id_)
    work.wake(*(channels.api_key(key_id) for key_id in revoked))
    await object_counts.release(work, QuotaKind.API_KEYS, amount=len(revoked))
    await deletions.delete_row(work, deletions.POOL, id_=id_)
    await forget_roles_on(work, object_id=id_)
    await object_counts.release(work, QuotaKind.WORK_POOLS)
    await _record(work, ids.Kind.WORK_POOL, pool)
    work.wake(channels.pool(id_))


async def delete_work_queue(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete a queue; the pool's default queue goes with the pool only.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: it is the default queue, deployments name it, or runs in it have not ended.
    """
    queue = await _lock(work, deletions.QUEUE, id_, expected_version)
    if queue.name == DEFAULT_NAME:
        raise Conflict("Every pool keeps its default queue; delete the pool instead.")
    await _check_unused(work, deletions.QUEUE, id_, noun="work queue")
    await deletions.delete_row(work, deletions.QUEUE, id_=id_)
    await _record(work, ids.Kind.WORK_QUEUE, queue)
    work.wake(channels.pool(queue.work_pool_id))


async def _lock_ended(work: UnitOfWork, id_: UUID) -> FlowRun:
    locked = await lock_run(work, id_)
    if locked is None:
        raise NotFound("No such flow run, or you may not see it; check the id and the workspace.")
    run = locked.run
    if run.ended_at is None or locked.item is not None:
        raise Conflict(
            f"The run is {run.state_name}; cancel it first, and delete it once it has ended.",
            existing_id=ids.show(ids.Kind.FLOW_RUN, id_),
        )
    return run


async def _check_reached(work: UnitOfWork, run_ids: Sequence[UUID]) -> None:
    """Refuse to delete runs whose end has yet to reach what is below them."""
    reaching = await cancels.list_unfinished_ends(work, run_ids)
    if reaching:
        raise _is_reaching(min(reaching))


def _is_reaching(run_id: UUID) -> Conflict:
    return Conflict(
        "What is below the run is being ended with it; delete it in a moment.",
        existing_id=ids.show(ids.Kind.FLOW_RUN, run_id),
    )


async def _lock(work: UnitOfWork, table: Any, id_: UUID, expected_version: int | None) -> Any:
    row = await deletions.lock_for_deletion(work, table, id_=id_)
    if row is None:
        raise NotFound
    check_version(row.version, expected=expected_version)
    return row


async def _check_unused(work: UnitOfWork, table: Any, id_: UUID, *, noun: str) -> None:
    """Refuse to delete what deployments, backfills or live runs need, and name some of them."""
    if table is deletions.DEPLOYMENT:
        going_on = await deletions.list_live_backfills(work, deployment_id=id_, most=_SHOWN)
        if going_on:
            names = ", ".join(name for _, name in going_on)
            raise Conflict(
                f"Backfills that have not ended need this {noun}: {names}. Cancel them first.",
                existing_id=ids.show(ids.Kind.BACKFILL, going_on[0][0]),
            )
    if table is not deletions.DEPLOYMENT:
        named = await deletions.list_deployments_of(work, table, id_=id_, most=_SHOWN)
        if named:
            names = ", ".join(name for _, name in named)
            raise Conflict(
                f"Deployments need this {noun}: {names}. Delete or move them first.",
                existing_id=ids.show(ids.Kind.DEPLOYMENT, named[0][0]),
            )
    live = await deletions.list_live_runs(work, table, id_=id_, most=_SHOWN)
    if live:
        shown = [ids.show(ids.Kind.FLOW_RUN, run_id) for run_id in live]
        raise Conflict(
            f"Runs that have not ended need this {noun}: {', '.join(shown)}. Cancel them first.",
            existing_id=shown[0],
        )


async def _tell_deleted(work: UnitOfWork, runs: Sequence[FlowRun]) -> None:
    events: list[NewEvent] = []
    for run in runs:
        shown = ids.show(ids.Kind.FLOW_RUN, run.id)
        events.append(
            NewEvent(
                name="flow_run.deleted",
                resource_id=shown,
                resource={"id": shown, "kind": "flow_run", "name": run.name},
                payload={"reason": "It was deleted by request.", "state": run.state_type.value},
            )
        )
    await record_events(work, events)


async def _record_runs(work: UnitOfWork, runs: Sequence[FlowRun]) -> None:
    gone = [
        Record("deleted", ids.Kind.FLOW_RUN, run.id, run.name, before={"state": run.state_name})
        for run in runs
    ]
    await record_entries(work, gone)


async def _record(work: UnitOfWork, kind: ids.Kind, row: Any) -> None:
    await record_change(
        work,
        kind=kind,
        id_=row.id,
        name=row.name,
        version=row.version,
        changed=[],
        verb="deleted",
    )
