"""Cancels that end: what is below a run ends with it, and what nobody confirms is forced."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import (
    MAX_MESSAGE_LENGTH,
    ProposedState,
    StateType,
    propose,
)
from headgate_server.domain.tenancy import SYSTEM
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import cancels as repository
from headgate_server.repositories.cancels import Below, DueEnd, EndUnderWay, RunEnd, StuckCancel
from headgate_server.repositories.flow_runs.transition import LockedRun, lock_free_runs, lock_run
from headgate_server.services.transitions import (
    Proposal,
    Transition,
    transition,
    transition_many,
)

_WITH_PROCESS = frozenset({Phase.CLAIMED, Phase.RUNNING})
BATCH = 100
LISTED = 50 * BATCH
CONFIRMED_WITHIN = timedelta(seconds=30)
"""So long after the grace may an agent take to kill a process and to say that it is gone."""
LOOK_AGAIN = timedelta(seconds=1)
"""How soon runs are looked at again that somebody else was changing."""


class Ahead:
    """What is below runs whose ends are being carried out, beyond the batch of each that is next.

    To find out what is below a run, all of it is walked through: once for many batches.
    """

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[tuple[UUID | None, bool], list[Below]]] = {}

    async def take(self, work: UnitOfWork, under_way: EndUnderWay) -> list[Below]:
        """Return the next batch below a run, by ids; what is known is used where it goes on there.

        A run that has started again meanwhile, or that somebody else carried on, is looked at anew.
        """
        place = (under_way.after, under_way.is_over)
        known_for, runs = self._known.pop(under_way.id, (place, []))
        if not runs or known_for != place:
            runs = await repository.list_below(work, under_way, most=LISTED)
        batch, rest = runs[:BATCH], runs[BATCH:]
        if rest:
            self._known[under_way.id] = (batch[-1].run_id, under_way.is_over), rest
        return batch


async def end_below(work: UnitOfWork, end_id: UUID, *, ahead: Ahead) -> int | None:
    """End the next batch of what is below a run that is over, or being cancelled.

    Cancelled is everything, wherever it runs; what has an agent of its own, through that. What ran
    in the process of a run that is over is over as well. Of a crash only the latter: runs that
    have an agent of their own go on. A run that somebody else is changing is looked at again.

    Args:
        work: a unit of work of the system, in the workspace.
        end_id: the note of the run's end.
        ahead: what was found before, in the same round.

    Returns:
        How many were ended; None where everything is, or somebody else is at it.
    """
    under_way = await repository.lock_end(work, end_id)
    if under_way is None:
        return None
    below = {one.run_id: one for one in await ahead.take(work, under_way)}
    if not below:
        if under_way.skipped:
            again_at = work.now + LOOK_AGAIN
            await repository.move_on(work, end_id, after=None, skipped=0, due_at=again_at)
        else:
            await repository.forget_end(work, end_id)
        return None
    locked = await lock_free_runs(work, list(below))
    late = [one.run.id for one in locked if _is_late(under_way, below[one.run.id], one)]
    # What ends with another run ends by itself: nobody asked for that.
    asked = [
        (one, _ending(under_way, below[one.run.id]), SYSTEM)
        for one in locked
        if one.run.id not in late
    ]
    answers = await transition_many(work, asked)
    hastened = await _hasten(work, late, grace_seconds=under_way.end.grace_seconds)
    await repository.move_on(
        work,
        end_id,
        after=list(below)[-1],
        skipped=under_way.skipped + len(below) - len(locked),
        due_at=work.now,
    )
    ended = (isinstance(one, Transition) and one.is_accepted for one in answers.values())
    return sum(ended) + len(hastened)


def _is_late(under_way: EndUnderWay, child: Below, locked: LockedRun) -> bool:
    """Whether a run below another is being cancelled already, and may only have to end sooner."""
    is_over_with_it = child.is_in_process and under_way.end.process_end is not None
    return locked.run.state_type is StateType.CANCELLING and not is_over_with_it


def _ending(under_way: EndUnderWay, child: Below) -> Proposal:
    """Return what is proposed for a run below another."""
    end, name = under_way.end, under_way.name
    if child.is_in_process and end.process_end is not None:
        was_cancelled = "was cancelled" if end.is_cancelled else "was taken from it by hand"
        word = was_cancelled if end.process_end is StateType.CANCELLED else "crashed"
        state = propose(end.process_end, message=f"It ran in the process of {name}, which {word}.")
        return Proposal(state=state, proposer=Proposer.SYSTEM)
    return Proposal(
        state=propose(StateType.CANCELLING, message=f"Cancelled with {name}, which made it."),
        proposer=Proposer.SYSTEM,
        cancel_reason=f"{name} was cancelled.",
        cancel_grace_seconds=end.grace_seconds,
    )


async def list_ends(work: UnitOfWork, *, most: int) -> list[DueEnd]:
    """Return ends of runs, of any workspace, that have yet to reach what is below them."""
    return await repository.list_ends(work, most=most)


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
    return done.is_accepted


def _is_stuck(work: UnitOfWork, locked: LockedRun) -> bool:
    item = locked.item
    if item is None or item.cancel_requested_at is None:
        return False
    grace = timedelta(seconds=item.cancel_grace_seconds or 0)
    return item.cancel_requested_at + grace + CONFIRMED_WITHIN <= work.now


def _forced(work: UnitOfWork, locked: LockedRun) -> ProposedState:
    return _forced_state(work, locked, why="nobody confirmed in time that its process has ended.")


def force(work: UnitOfWork, locked: LockedRun, *, reason: str | None) -> ProposedState:
    """Return the end that somebody forces on a run: where it has a process, it says that it was."""
    if locked.item is None or locked.item.phase not in _WITH_PROCESS:
        return propose(StateType.CANCELLED, message=reason or "Cancelled by request.")
    return _forced_state(work, locked, why=reason or "somebody asked for it.")


def _forced_state(work: UnitOfWork, locked: LockedRun, *, why: str) -> ProposedState:
    item = locked.item
    heard_at = item.last_seen_at if item else None
    silent = None if heard_at is None else round((work.now - heard_at).total_seconds())
    heard = "was never heard of" if silent is None else f"was last heard of {silent} seconds ago"
    end = f" Whoever holds it {heard}; the process may still run."
    begin = f"Cancelled by force: {why}"[: MAX_MESSAGE_LENGTH - len(end)]
    return propose(StateType.CANCELLED, message=begin + end, details={"isForced": True})


async def hasten(work: UnitOfWork, run_id: UUID, *, grace_seconds: int) -> bool:
    """Have a run that is being cancelled end by then, where that is sooner than was asked before.

    What is below it does, too: that is noted, and a loop does it.

    Returns:
        Whether it is: a later end than the one that was asked for changes nothing.
    """
    if not await _hasten(work, [run_id], grace_seconds=grace_seconds):
        return False
    end = RunEnd(run_id, is_cancelled=True, process_end=None, grace_seconds=grace_seconds)
    if await repository.note_ends(work, [end]):
        work.wake(channels.SCHEDULER)
    return True


async def _hasten(
    work: UnitOfWork, run_ids: Sequence[UUID], *, grace_seconds: int
) -> Collection[UUID]:
    """Have those of the runs end by then that would have longer; which, and tell their holders."""
    grace = timedelta(seconds=grace_seconds)
    holders = await repository.hasten_cancels(work, run_ids, grace=grace) if run_ids else {}
    work.wake(*(channels.agent(id_) for id_ in holders.values() if id_ is not None))
    return holders
