"""Cancels that end: what is below a run ends with it, and what nobody confirms is forced."""

from dataclasses import replace
from datetime import timedelta

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.states import ProposedState, StateType, propose
from headgate_server.domain.tenancy import SYSTEM
from headgate_server.domain.transitions.effects import end_of_process
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import cancels as repository
from headgate_server.repositories.cancels import Below, StuckCancel
from headgate_server.repositories.flow_runs.transition import LockedRun, lock_run
from headgate_server.services.transitions import Proposal, Transition, transition

BATCH = 100
MOST_BELOW = 1_000
CONFIRMED_WITHIN = timedelta(seconds=30)
"""So long after the grace may an agent take to kill a process and to say that it is gone."""
DEFAULT_GRACE_SECONDS = 30


async def end_below(
    work: UnitOfWork, done: Transition, *, grace_seconds: int = DEFAULT_GRACE_SECONDS
) -> int:
    """End what is below a run that is being cancelled, was cancelled, or crashed; how many.

    Cancelled is everything, wherever it runs; what has an agent of its own, through that. What ran
    in the process of a run that is over is over as well. Of a crash only the latter: runs that
    have an agent of their own go on.

    Args:
        work: the unit of work.
        done: what became of the run.
        grace_seconds: how long processes below may take to end.
    """
    run = done.run
    end = end_of_process(done.decision) if done.state is not None else None
    if end is None:
        return 0
    below = await repository.list_below(
        work,
        run_id=run.id,
        root_id=run.root_run_id or run.id,
        is_over=end is not StateType.CANCELLING,
        most=MOST_BELOW,
    )
    # What ends with another run ends by itself: nobody asked for that.
    by_itself = replace(work, actor=SYSTEM)
    ended = 0
    for child in below:
        proposal = _ending(run, end, child, grace_seconds=grace_seconds)
        if proposal is not None:
            moved = await transition(by_itself, run_id=child.run_id, proposal=proposal)
            ended += moved.is_accepted
    return ended


def _ending(run: FlowRun, end: StateType, child: Below, *, grace_seconds: int) -> Proposal | None:
    """Return what is proposed for a run below another; None where it goes on."""
    if child.is_in_process and end is not StateType.CANCELLING:
        word = "was cancelled" if end is StateType.CANCELLED else "crashed"
        state = propose(end, message=f"It ran in the process of {run.name}, which {word}.")
        return Proposal(state=state, proposer=Proposer.SYSTEM)
    if end is StateType.CRASHED:
        return None
    return Proposal(
        state=propose(StateType.CANCELLING, message=f"Cancelled with {run.name}, which made it."),
        proposer=Proposer.SYSTEM,
        cancel_reason=f"{run.name} was cancelled.",
        cancel_grace_seconds=grace_seconds,
    )


async def list_stuck(work: UnitOfWork) -> list[StuckCancel]:
    """Return runs of any workspace whose end nobody confirmed in time, the longest first."""
    return await repository.list_stuck(work, confirmed_within=CONFIRMED_WITHIN, most=BATCH)


async def force_cancel(work: UnitOfWork, stuck: StuckCancel) -> bool:
    """Cancel a run whose end nobody confirmed in time, under its lock; False where somebody did.

    Its state says so. A process that is still there is stopped when its agent is heard again.
    """
    locked = await lock_run(work, stuck.run_id)
    if locked is None or locked.item is None or not _is_stuck(work, locked):
        return False
    proposal = Proposal(state=_forced(work, locked), proposer=Proposer.SYSTEM)
    done = await transition(work, run_id=stuck.run_id, proposal=proposal, locked=locked)
    if locked.item.session_id is not None and done.is_accepted:
        work.wake(channels.agent(locked.item.session_id))
    await end_below(work, done)
    return done.is_accepted


def _is_stuck(work: UnitOfWork, locked: LockedRun) -> bool:
    item = locked.item
    if item is None or item.cancel_requested_at is None:
        return False
    grace = timedelta(seconds=item.cancel_grace_seconds or 0)
    return item.cancel_requested_at + grace + CONFIRMED_WITHIN <= work.now


def _forced(work: UnitOfWork, locked: LockedRun) -> ProposedState:
    item = locked.item
    heard_at = item.last_seen_at if item else None
    silent = None if heard_at is None else round((work.now - heard_at).total_seconds())
    heard = "was never heard of" if silent is None else f"was last heard of {silent} seconds ago"
    message = (
        "Cancelled by force: nobody confirmed in time that its process has ended. Whoever holds it "
        f"{heard}; the process may still run."
    )
    return propose(StateType.CANCELLED, message=message, details={"isForced": True})
