"""Sends inputs to runs, and reads them in the order in which they came."""

from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Conflict, IdempotencyMismatch, LimitExceeded, NotFound
from headgate_server.domain.run_inputs import (
    MOST_INPUTS,
    NewRunInput,
    RunInput,
    check_run_input,
)
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import run_inputs as repository
from headgate_server.repositories.leases.guard import guard_grant

INPUTS_AT_ONCE = 100


async def send_input(
    work: UnitOfWork, *, flow_run_id: UUID, new: NewRunInput, sender: RunGrant | None
) -> RunInput:
    """Put an input into a run's mailbox; sent again with the same message id, it is there once.

    Args:
        work: the unit of work.
        flow_run_id: who receives it.
        new: the input.
        sender: the run whose token is shown, if one is: it may send while its lease is live.

    Raises:
        NotFound: no such run in this workspace.
        Conflict: the run has ended, and reads nothing more.
        LimitExceeded: it was sent 10,000 inputs already.
        IdempotencyMismatch: the message id was used for another input.
        LeaseLost: the sending run has ended.
    """
    check_run_input(new)
    if sender is not None:
        await guard_grant(work, run_id=sender.run_id, epoch=sender.epoch)
    state = await repository.lock_receiver(work, flow_run_id)
    if state is None:
        raise NotFound("No such flow run, or you may not see it; check the id and the workspace.")
    known = await repository.find_by_message(
        work, flow_run_id=flow_run_id, message_id=new.message_id
    )
    if known is not None:
        if (known.keyset, known.payload) != (new.keyset, new.payload):
            raise IdempotencyMismatch
        return known
    if state.is_terminal:
        raise Conflict("The run has ended, and reads nothing more.", path=["flowRunId"])
    last = await repository.last_sequence(work, flow_run_id)
    if last >= MOST_INPUTS:
        raise LimitExceeded(
            f"A run takes {MOST_INPUTS:,} inputs in its life; start another one.",
            limit=MOST_INPUTS,
            current=last,
        )
    sent = await repository.insert_input(work, flow_run_id=flow_run_id, sequence=last + 1, new=new)
    if sent is None:
        raise IdempotencyMismatch
    work.wake(channels.run(flow_run_id))
    return sent


async def list_inputs(
    work: UnitOfWork, *, flow_run_id: UUID, keyset: str | None, after: int
) -> list[RunInput]:
    """Return up to 100 inputs of a run behind a place, in order."""
    return await repository.list_inputs(
        work, flow_run_id=flow_run_id, keyset=keyset, after=after, most=INPUTS_AT_ONCE
    )
