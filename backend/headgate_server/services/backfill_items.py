"""Items of backfills: what becomes of those whose runs somebody starts again, or has cancelled."""

from collections.abc import Sequence

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.backfills import Backfill, BackfillStatus
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.tenancy import Actor
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import backfills
from headgate_server.repositories.flow_runs.transition import lock_free_runs
from headgate_server.services.audit_entries.record import Record, record_entries
from headgate_server.services.events import record_change
from headgate_server.services.transitions import (
    DEFAULT_GRACE_SECONDS,
    Proposal,
    Transition,
    transition_many,
)

MOST_CANCELLED = 100
"""So many runs in one transaction, which holds their locks: more would keep engines waiting."""


async def follow_runs(work: UnitOfWork, runs: Sequence[FlowRun]) -> None:
    """Have items of backfills go on with their locked runs; a backfill that had ended ends anew.

    They do where runs are started again, and where an end was corrected.

    A cancelled or paused backfill stays so. A run that an item has no more, for it was made
    another, is nobody's. Runs are locked before backfills, and these in the order of ids: two who
    start runs of several backfills again never wait for each other in a circle.
    """
    run_ids = [run.id for run in runs if "backfillId" in (run.triggered_by or {})]
    found = await backfills.list_backfills_of(work, run_ids) if run_ids else []
    for id_ in found:
        current = await backfills.lock_backfill(work, id_=id_)
        if current is not None and await backfills.follow_runs(work, id_=id_, run_ids=run_ids):
            await _look_after(work, current)


async def _look_after(work: UnitOfWork, current: Backfill) -> None:
    """Have a locked backfill looked at until the runs that go on again have ended."""
    work.wake(channels.SCHEDULER)
    if current.status not in {BackfillStatus.FAILED, BackfillStatus.COMPLETED}:
        await backfills.set_due(work, id_=current.id, at=work.now)
        return
    moved = await backfills.set_status(work, id_=current.id, status=BackfillStatus.RUNNING)
    await record_change(
        work,
        kind=ids.Kind.BACKFILL,
        id_=moved.id,
        name=moved.name,
        version=moved.version,
        changed=["status"],
        verb="reopened",
        before=current,
        after=moved,
    )


async def cancel_runs(work: UnitOfWork, backfill: Backfill, *, by: Actor) -> bool:
    """Cancel the next of the runs that a locked backfill has made, in somebody's name.

    A run that is being changed is left for the next time: who changes it may wait for the backfill.

    Returns:
        Whether any are left.
    """
    run_ids = await backfills.list_live_runs(work, id_=backfill.id, most=MOST_CANCELLED)
    if not run_ids:
        return False
    locked = await lock_free_runs(work, run_ids)
    reason = f"The backfill {backfill.name} was cancelled."
    proposal = Proposal(
        state=propose(StateType.CANCELLING, message=reason),
        proposer=Proposer.PERSON,
        cancel_reason=reason,
        cancel_grace_seconds=DEFAULT_GRACE_SECONDS,
    )
    answers = await transition_many(work, [(one, proposal, by) for one in locked])
    said = {"reason": reason, "forced": False}
    done = [one.run for one in answers.values() if isinstance(one, Transition) and one.state]
    await record_entries(
        work, [Record("cancelled", ids.Kind.FLOW_RUN, run.id, run.name, after=said) for run in done]
    )
    return len(locked) < len(run_ids) or len(run_ids) == MOST_CANCELLED
