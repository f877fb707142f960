"""Cancels and retries many runs in one go; each succeeds or fails on its own."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidInput, NotFound
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.quotas import QuotaExceeded
from headgate_server.services import backfill_items, quotas
from headgate_server.services.flow_runs import change
from headgate_server.services.flow_runs.change import CancelRequest
from headgate_server.services.reruns import Together
from headgate_server.services.transitions import Transition

MAX_BATCH = 100
"""Their rows stay locked until the last is done: more would keep engines waiting."""

Result = Transition | NotFound | QuotaExceeded | InvalidInput


async def cancel_runs(
    work: UnitOfWork, run_ids: Sequence[UUID], *, request: CancelRequest
) -> list[Result]:
    """Ask for runs to be cancelled, as ``cancel_run`` does; one result a run, in order.

    Raises:
        InvalidInput: no run, more than 100, or one twice.
    """
    return await _each(run_ids, partial(_cancel, work, request))


async def retry_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> list[Result]:
    """Start runs that have ended again, as ``retry_run`` does; one result a run, in order.

    Where a quota has no room for all of them, those that were made first start: it is read anew for
    each, so that what others start meanwhile counts.

    Raises:
        InvalidInput: no run, more than 100, or one twice.
    """
    is_limited = quotas.limits_runs(await quotas.get_own_standing(work))
    restarted: list[FlowRun] = []
    together = Together()

    async def retry(run_id: UUID) -> Result:
        if is_limited:
            quotas.check_restart(await quotas.get_own_standing(work), now=work.now)
        try:
            done = await change.start_again(work, run_id=run_id, together=together)
        except InvalidInput as refused:
            return refused
        if done.state is not None:
            restarted.append(done.run)
        return done

    results = await _each(run_ids, retry)
    await backfill_items.follow_runs(work, restarted)
    return results


async def _cancel(work: UnitOfWork, request: CancelRequest, run_id: UUID) -> Transition:
    return await change.cancel_run(work, run_id=run_id, request=request)


def check_batch(run_ids: Sequence[UUID]) -> None:
    """Refuse what is no batch, before anything is read for it.

    Raises:
        InvalidInput: no run, more than 100, or one twice.
    """
    if not 1 <= len(run_ids) <= MAX_BATCH or len(set(run_ids)) != len(run_ids):
        raise InvalidInput(f"A batch holds 1 to {MAX_BATCH} runs, each once.", path=["ids"])


async def _each(run_ids: Sequence[UUID], do: Callable[[UUID], Awaitable[Result]]) -> list[Result]:
    check_batch(run_ids)
    results: dict[UUID, Result] = {}
    # In the order of ids, as whoever locks several runs does: two batches never wait for each
    # other in a circle.
    for run_id in sorted(run_ids):
        try:
            results[run_id] = await do(run_id)
        except (NotFound, QuotaExceeded) as error:
            results[run_id] = error
    return [results[run_id] for run_id in run_ids]
