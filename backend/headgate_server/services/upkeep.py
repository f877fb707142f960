"""What keeps the installation in order: late runs, published events, expired keys, partitions."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import agents, due, outages
from headgate_server.repositories.due import LateRun, MissingPartition
from headgate_server.repositories.outbox import publish_outbox
from headgate_server.services.transitions import Proposal, transition_waiting

BATCH = 200
LATE_BATCH = 50
"""So many runs of a workspace are marked late at a time: what it asks for meanwhile waits."""
LATE_AT_ONCE = 500
"""So many are looked at together."""
EVENTS_AT_ONCE = 1000
DAYS_AHEAD = 14

next_due = due.next_due
note_service = outages.note_service
make_partition = due.make_partition
is_served = outages.is_served
note_tick = outages.note_tick

_CAUSES = {
    "PAUSED": "its deployment, queue or pool is paused, or nothing starts in its workspace",
    "NO_AGENT": "no agent that serves its queue is online",
    "LIMIT": "every slot that it may take is in use",
    "CONTROL_PLANE": "an agent has room; the run has not been handed out yet",
}


async def list_late(
    work: UnitOfWork, *, silent_for: timedelta, resting: Collection[UUID] = ()
) -> list[LateRun]:
    """Return runs that are late and not marked so yet, a batch of each workspace that has some.

    Args:
        work: as the system.
        silent_for: agents that were silent for so long serve no queue.
        resting: workspaces whose runs are left out.
    """
    return await due.list_late(
        work, silent_for=silent_for, resting=resting, most=LATE_AT_ONCE, most_each=LATE_BATCH
    )


async def mark_late(work: UnitOfWork, late: Sequence[LateRun]) -> tuple[int, int]:
    """Name waiting runs of one workspace Late, each with its cause: one state and event an episode.

    Three statements, however many runs.

    Returns:
        For how many the episode is settled, and how many were marked in it.
    """
    judged, marked = await transition_waiting(work, {run.run_id: _lateness(run) for run in late})
    await due.end_late_episodes(work, judged)
    return len(judged), len(marked)


def _lateness(late: LateRun) -> Proposal:
    state = propose(
        StateType.SCHEDULED,
        name="Late",
        message=f"Late: {_CAUSES[late.cause]}.",
        details={"cause": late.cause},
    )
    return Proposal(state=state, proposer=Proposer.SYSTEM, late_cause=late.cause)


async def end_lost_sessions(work: UnitOfWork, *, silent_for: timedelta) -> list[tuple[UUID, UUID]]:
    """End sessions of agents that have been silent too long; their leases judge themselves."""
    return await agents.mark_lost_sessions(work, silent_for=silent_for, most=BATCH)


async def publish_events(work: UnitOfWork) -> int | None:
    """Number and publish the oldest events of the outbox.

    Returns:
        How many; None where somebody else is at it, who may not have seen the latest.
    """
    moved = await publish_outbox(work, most=EVENTS_AT_ONCE)
    work.wake(*(channels.workspace(workspace_id) for workspace_id in moved.workspace_ids))
    return None if moved.is_busy else moved.count


async def delete_expired_keys(work: UnitOfWork) -> int:
    """Forget idempotency keys past their 24 hours."""
    return await due.delete_expired_keys(work, most=EVENTS_AT_ONCE)


async def list_missing_partitions(work: UnitOfWork) -> list[MissingPartition]:
    """Return what the next 14 days have no partition for, the first day first."""
    return await due.list_missing_partitions(work, days_ahead=DAYS_AHEAD)
