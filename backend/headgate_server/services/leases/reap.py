"""Takes leases back from holders that are gone, and says which are silent."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.agents import EXPIRED_OFFERS_TO_PAUSE
from headgate_server.domain.events import NewEvent
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import agents
from headgate_server.repositories.leases import renew as repository
from headgate_server.repositories.leases.renew import ExpiredLease
from headgate_server.repositories.outbox import insert_events_of_workspaces
from headgate_server.services.agents import paused_event
from headgate_server.services.transitions import Proposal, Transition, transition

BATCH = 200
MAX_DELIVERIES = 10
_UNCLAIMED = (
    f"It left {EXPIRED_OFFERS_TO_PAUSE} offers in a row unclaimed; it resumes when it reports "
    "itself online."
)

list_expired = repository.list_expired


@dataclass(frozen=True, slots=True)
class LostDelivery:
    """A run that was offered as often as a run is, and has not started."""

    workspace_id: UUID
    run_id: UUID


async def take_back_offers(work: UnitOfWork) -> tuple[int, list[LostDelivery]]:
    """Return offers that nobody claimed to their pools; safe, since no user code has started.

    A session that let five in a row expire is paused, with an event.

    Returns:
        How many were taken back, and which of their runs were offered too often.
    """
    expired = await repository.take_back_offers(
        work, most=BATCH, to_pause=EXPIRED_OFFERS_TO_PAUSE, reason=_UNCLAIMED
    )
    pools = {offer.work_pool_id for offer in expired if offer.work_pool_id is not None}
    paused = {offer.session_id for offer in expired if offer.is_session_paused}
    sessions = await agents.list_sessions(work, paused)
    if sessions:
        await insert_events_of_workspaces(
            work, [(session.workspace_id, paused_event(session)) for session in sessions]
        )
        work.wake(channels.OUTBOX)
    work.wake(*(channels.pool(pool_id) for pool_id in pools))
    work.wake(*(channels.agent(session_id) for session_id in paused))
    poisoned = [
        LostDelivery(offer.workspace_id, offer.run_id)
        for offer in expired
        if offer.deliveries >= MAX_DELIVERIES
    ]
    return len(expired), poisoned


async def crash_undeliverable(work: UnitOfWork, lost: LostDelivery) -> Transition:
    """Crash a run that no agent brought past its offer or its claim, however often it was offered.

    Under RETRY as well: a run that takes down whoever touches it is not to be touched again.
    """
    state = propose(
        StateType.CRASHED,
        message=f"The run was offered {MAX_DELIVERIES} times and never started: look at the logs "
        "of the agents of its pool, then retry it.",
    )
    proposal = Proposal(state=state, proposer=Proposer.SYSTEM, is_undeliverable=True)
    return await transition(work, run_id=lost.run_id, proposal=proposal)


async def judge_expired(work: UnitOfWork, lease: ExpiredLease) -> Transition:
    """Decide about one run whose lease has expired, under its lock.

    Claimed and not started: it waits for an agent again, and crashes where no pool could take it,
    as a subflow that its process had begun. Running: it crashed, or starts again where its
    deployment says so. A holder that came back meanwhile keeps its run.
    """
    if lease.phase is Phase.CLAIMED and lease.deliveries >= MAX_DELIVERIES:
        return await crash_undeliverable(work, LostDelivery(lease.workspace_id, lease.run_id))
    if lease.phase is Phase.CLAIMED and lease.is_pooled:
        state = propose(
            StateType.SCHEDULED,
            message="The agent that claimed the run fell silent before it started.",
        )
    else:
        state = propose(StateType.CRASHED, message=_silence(work, lease))
    proposal = Proposal(state=state, proposer=Proposer.SYSTEM, is_agent_lost=True)
    return await transition(work, run_id=lease.run_id, proposal=proposal)


def _silence(work: UnitOfWork, lease: ExpiredLease) -> str:
    if lease.last_seen_at is None:
        return "The process that ran the flow was never heard of."
    seconds = round((work.now - lease.last_seen_at).total_seconds())
    return f"The process that ran the flow has been silent for {seconds} seconds."


async def mark_unresponsive(work: UnitOfWork, *, silent_for: timedelta) -> int:
    """Show running runs whose holder is silent as unresponsive, with one event an episode."""
    runs = await repository.mark_unresponsive(work, silent_for=silent_for, most=BATCH)
    if runs:
        await insert_events_of_workspaces(
            work,
            [
                (
                    run.workspace_id,
                    NewEvent(
                        name="flow_run.unresponsive",
                        resource_id=ids.show(ids.Kind.FLOW_RUN, run.run_id),
                        resource={
                            "id": ids.show(ids.Kind.FLOW_RUN, run.run_id),
                            "kind": "flow_run",
                            "name": run.name,
                        },
                        payload={"lastSeenAt": run.last_seen_at.isoformat()},
                    ),
                )
                for run in runs
            ],
        )
        work.wake(*(channels.run(run.run_id) for run in runs), channels.OUTBOX)
    return len(runs)
