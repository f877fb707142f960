"""Takes leases back from holders that are gone, and says which are silent."""

from datetime import timedelta

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.events import NewEvent
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories.leases import renew as repository
from headgate_server.repositories.leases.renew import ExpiredLease
from headgate_server.repositories.outbox import insert_events_of_workspaces
from headgate_server.services.transitions import Proposal, Transition, transition

BATCH = 200

list_expired = repository.list_expired


async def take_back_offers(work: UnitOfWork) -> int:
    """Return offers that nobody claimed to their pools; safe, since no user code has started."""
    pool_ids = await repository.take_back_offers(work, most=BATCH)
    work.wake(*(channels.pool(pool_id) for pool_id in pool_ids))
    return len(pool_ids)


async def judge_expired(work: UnitOfWork, lease: ExpiredLease) -> Transition:
    """Decide about one run whose lease has expired, under its lock.

    Claimed and not started: it waits for an agent again. Running: it crashed, or starts again
    where its deployment says so. A holder that came back meanwhile keeps its run.
    """
    if lease.phase is Phase.CLAIMED:
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
