"""Inputs that runs are sent, each at its place in the run's mailbox."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.run_inputs import NewRunInput, RunInput
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.pauses import run_inputs


async def lock_receiver(work: UnitOfWork, flow_run_id: UUID) -> StateType | None:
    """Hold a run until the transaction ends, so that its inputs get their places one by one.

    Returns:
        What it is in; None where there is no such run.
    """
    found = await work.execute(
        select(flow_runs.c.state_type)
        .where(flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id == flow_run_id)
        .with_for_update(key_share=True)
    )
    type_ = found.scalar_one_or_none()
    return None if type_ is None else StateType(type_)


async def last_sequence(work: UnitOfWork, flow_run_id: UUID) -> int:
    """Return the place of a run's newest input; 0 where it has none."""
    found = await work.execute(
        select(func.coalesce(func.max(run_inputs.c.sequence), 0)).where(
            run_inputs.c.workspace_id == work.workspace_id,
            run_inputs.c.flow_run_id == flow_run_id,
        )
    )
    return int(found.scalar_one())


async def insert_input(
    work: UnitOfWork, *, flow_run_id: UUID, sequence: int, new: NewRunInput
) -> RunInput | None:
    """Put an input into the mailbox of a held run; None where it was put there before."""
    result = await work.execute(
        insert(run_inputs)
        .values(
            workspace_id=work.workspace_id,
            flow_run_id=flow_run_id,
            sequence=sequence,
            keyset=new.keyset,
            message_id=new.message_id,
            payload=new.payload,
            sent_by_kind=work.actor.kind.value,
            sent_by_id=work.actor.id,
            sent_by_name=work.actor.display_name,
            sent_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "flow_run_id", "message_id"])
        .returning(run_inputs)
    )
    row = result.one_or_none()
    return None if row is None else _input(row)


async def find_by_message(
    work: UnitOfWork, *, flow_run_id: UUID, message_id: str
) -> RunInput | None:
    """Return the input of a run that a sender knows by an id."""
    found = await work.execute(
        select(run_inputs).where(
            run_inputs.c.workspace_id == work.workspace_id,
            run_inputs.c.flow_run_id == flow_run_id,
            run_inputs.c.message_id == message_id,
        )
    )
    row = found.one_or_none()
    return None if row is None else _input(row)


async def list_inputs(
    work: UnitOfWork, *, flow_run_id: UUID, keyset: str | None, after: int, most: int
) -> list[RunInput]:
    """Return inputs of a run behind a place, in order; of one keyset, or of any."""
    statement = select(run_inputs).where(
        run_inputs.c.workspace_id == work.workspace_id,
        run_inputs.c.flow_run_id == flow_run_id,
        run_inputs.c.sequence > after,
    )
    if keyset is not None:
        statement = statement.where(run_inputs.c.keyset == keyset)
    rows = await work.execute(statement.order_by(run_inputs.c.sequence).limit(most))
    return [_input(row) for row in rows]


def _input(row: Row[Any]) -> RunInput:
    return RunInput(
        flow_run_id=row.flow_run_id,
        sequence=row.sequence,
        keyset=row.keyset,
        message_id=row.message_id,
        payload=row.payload,
        sent_by=Actor(ActorKind(row.sent_by_kind), row.sent_by_id, row.sent_by_name),
        sent_at=row.sent_at,
    )
