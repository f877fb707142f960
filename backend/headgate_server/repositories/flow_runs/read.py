"""Reads runs, their wide parts, tags, attempts and states."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.flow_runs import Attempt, FlowRun, FlowRunPayload
from headgate_server.domain.pagination import Page, PageRequest, Portion
from headgate_server.domain.states import State, StateType
from headgate_server.repositories import pages, portions
from headgate_server.repositories.flow_runs.rows import COLUMNS, actor_of, to_flow_run
from headgate_server.tables.flow_runs import attempts, flow_run_tags, flow_runs, states


async def get_many_flow_runs(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, FlowRun]:
    """Return the runs of this workspace among the ids."""
    rows = await work.execute(
        select(*COLUMNS).where(
            flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id.in_(ids)
        )
    )
    return {row.id: to_flow_run(row) for row in rows}


async def get_many_payloads(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, FlowRunPayload]:
    """Return the parameters and job variables of the runs among the ids."""
    rows = await work.execute(
        select(flow_runs.c.id, flow_runs.c.parameters, flow_runs.c.job_variables).where(
            flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id.in_(ids)
        )
    )
    return {row.id: FlowRunPayload(row.parameters, row.job_variables) for row in rows}


async def get_many_tags(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Return the sorted tags of each run; every id is a key."""
    rows = await work.execute(
        select(flow_run_tags.c.flow_run_id, flow_run_tags.c.tag)
        .where(
            flow_run_tags.c.workspace_id == work.workspace_id,
            flow_run_tags.c.flow_run_id.in_(ids),
        )
        .order_by(flow_run_tags.c.tag)
    )
    found: dict[UUID, list[str]] = {id_: [] for id_ in ids}
    for row in rows:
        found[row.flow_run_id].append(row.tag)
    return {id_: tuple(tags) for id_, tags in found.items()}


async def get_many_attempts(
    work: UnitOfWork, ids: Sequence[UUID]
) -> dict[UUID, tuple[Attempt, ...]]:
    """Return each run's attempts by number; every id is a key."""
    rows = await work.execute(
        select(attempts)
        .where(attempts.c.workspace_id == work.workspace_id, attempts.c.flow_run_id.in_(ids))
        .order_by(attempts.c.flow_run_id, attempts.c.number)
    )
    found: dict[UUID, list[Attempt]] = {id_: [] for id_ in ids}
    for row in rows:
        found[row.flow_run_id].append(
            Attempt(
                run_id=row.flow_run_id,
                number=row.number,
                epoch=row.epoch,
                agent_id=row.agent_id,
                started_at=row.started_at,
                ended_at=row.ended_at,
                outcome=row.outcome,
            )
        )
    return {id_: tuple(values) for id_, values in found.items()}


async def get_many_states(
    work: UnitOfWork, keys: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], State]:
    """Return single states by run and sequence."""
    run_ids = {run_id for run_id, _ in keys}
    sequences = {sequence for _, sequence in keys}
    rows = await work.execute(
        select(states).where(
            states.c.workspace_id == work.workspace_id,
            states.c.flow_run_id.in_(run_ids),
            states.c.sequence.in_(sequences),
        )
    )
    wanted = set(keys)
    found = {(row.flow_run_id, row.sequence): row for row in rows}
    return {key: _to_state(row) for key, row in found.items() if key in wanted}


async def list_states(work: UnitOfWork, *, flow_run_id: UUID, after: int, most: int) -> list[State]:
    """Return up to ``most`` states of a run behind a sequence, in order."""
    rows = await work.execute(
        select(states)
        .where(
            states.c.workspace_id == work.workspace_id,
            states.c.flow_run_id == flow_run_id,
            states.c.sequence > after,
        )
        .order_by(states.c.sequence)
        .limit(most)
    )
    return [_to_state(row) for row in rows]


async def list_states_behind(
    work: UnitOfWork, *, flow_run_id: UUID, after: int, most: int, most_bytes: int
) -> Portion[State]:
    """Return states of a run behind a sequence, in order, up to so many or so large."""
    statement = select(states).where(
        states.c.workspace_id == work.workspace_id, states.c.flow_run_id == flow_run_id
    )
    return await portions.read(
        work,
        statement,
        number="sequence",
        large=("details", "message"),
        after=after,
        most=most,
        most_bytes=most_bytes,
        make=_to_state,
    )


async def page_states(work: UnitOfWork, *, flow_run_id: UUID, page: PageRequest) -> Page[State]:
    """Return a page of a run's states by sequence."""
    statement = select(states).where(
        states.c.workspace_id == work.workspace_id, states.c.flow_run_id == flow_run_id
    )
    sort = pages.by(states.c.sequence)
    return await pages.read(work, statement, sort=sort, page=page, make=_to_state)


def _to_state(row: Row[Any]) -> State:
    return State(
        run_id=row.flow_run_id,
        sequence=row.sequence,
        type=StateType(row.type),
        name=row.name,
        message=row.message,
        timestamp=row.timestamp,
        details=row.details,
        actor=actor_of(row, "actor"),
        decision=row.decision,
    )
