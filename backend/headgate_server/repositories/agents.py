"""SQL of agents and their sessions."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, any_, bindparam, case, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.agents import Agent, AgentSession, AgentState
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.repositories import pages
from headgate_server.repositories.statements import named, packed
from headgate_server.tables.work_pools import READY, agent_sessions, agents, work_items


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a process says of itself when it registers."""

    instance_id: UUID
    queue_ids: tuple[UUID, ...] | None
    capacity: int
    labels: dict[str, Any]
    sdk_version: str
    host: str | None
    api_key_id: UUID | None
    secret_number: int
    pool_version: int


async def upsert_agent(work: UnitOfWork, *, work_pool_id: UUID, name: str) -> UUID:
    """Return the id of the agent of this name in the pool, made if it is new."""
    row = await work.execute(
        named("upsert_agent"),
        {
            "workspace_id": work.workspace_id,
            "id": ids.new_id(),
            "work_pool_id": work_pool_id,
            "name": name,
        },
    )
    return row.scalar_one()


async def upsert_session(
    work: UnitOfWork, *, agent_id: UUID, work_pool_id: UUID, session: NewSession
) -> tuple[AgentSession, UUID | None]:
    """Return the session of this process, made or refreshed, and the key it was under before.

    There is one an instance.
    """
    rows = await work.execute(
        named("upsert_session"),
        {
            "workspace_id": work.workspace_id,
            "id": ids.new_id(),
            "agent_id": agent_id,
            "work_pool_id": work_pool_id,
            "queue_ids": list(session.queue_ids) if session.queue_ids is not None else None,
            "instance_id": session.instance_id,
            "api_key_id": session.api_key_id,
            "secret_number": session.secret_number,
            "capacity": session.capacity,
            "labels": packed(session.labels),
            "sdk_version": session.sdk_version,
            "host": session.host,
            "known_pool_version": session.pool_version,
            "now": work.now,
        },
    )
    row = rows.one()
    return _to_session(row), row.former_key_id


async def touch_sessions(
    work: UnitOfWork, reports: Sequence[tuple[UUID, UUID, int, AgentState | None]]
) -> list[AgentSession]:
    """Record heartbeats: workspace, session, capacity, state; the sessions that it was for.

    It is for none that has ended, or that somebody else changes at this moment.
    """
    if not reports:
        return []
    workspaces, sessions, capacities, states = zip(*reports, strict=True)
    rows = await work.execute(
        named("touch_sessions"),
        {
            "workspace_ids": list(workspaces),
            "session_ids": list(sessions),
            "capacities": list(capacities),
            "states": list(states),
            "now": work.now,
        },
    )
    return [_to_session(row) for row in rows]


async def find_session(work: UnitOfWork, session_id: UUID) -> AgentSession | None:
    """Return a session that has not ended, or None."""
    return (await find_sessions(work, {session_id})).get(session_id)


async def find_sessions(work: UnitOfWork, wanted: AbstractSet[UUID]) -> dict[UUID, AgentSession]:
    """Return those of some sessions of the workspace that have not ended, by id."""
    rows = await work.execute(
        named("find_sessions"),
        {"workspace_id": work.workspace_id, "session_ids": list(wanted)},
    )
    return {row.id: _to_session(row) for row in rows}


async def list_sessions(work: UnitOfWork, wanted: AbstractSet[UUID]) -> list[AgentSession]:
    """Return sessions of any workspace, for background work."""
    if not wanted:
        return []
    rows = await work.execute(named("list_sessions"), {"session_ids": list(wanted)})
    return [_to_session(row) for row in rows]


async def open_stream(
    work: UnitOfWork, *, session_id: UUID, replica_id: UUID
) -> AgentSession | None:
    """Count a session's new stream and bind it to this replica; None where the session ended."""
    rows = await work.execute(
        named("open_stream"),
        {
            "workspace_id": work.workspace_id,
            "session_id": session_id,
            "replica_id": replica_id,
            "now": work.now,
        },
    )
    row = rows.one_or_none()
    return None if row is None else _to_session(row)


async def end_session(work: UnitOfWork, *, session_id: UUID, state: AgentState) -> bool:
    """End a session; False where it had ended before."""
    row = await work.execute(
        update(agent_sessions)
        .where(
            agent_sessions.c.workspace_id == work.workspace_id,
            agent_sessions.c.id == session_id,
            agent_sessions.c.ended_at.is_(None),
        )
        .values(ended_at=work.now, state=state)
        .returning(agent_sessions.c.id)
    )
    return row.one_or_none() is not None


async def set_session_state(
    work: UnitOfWork, *, session_id: UUID, state: AgentState, reason: str | None = None
) -> bool:
    """Set what a live session is doing, and why; False where it has ended.

    What it is doing already keeps its reason where none is given.
    """
    same = agent_sessions.c.state == state
    kept = case((same, func.coalesce(reason, agent_sessions.c.state_reason)), else_=reason)
    row = await work.execute(
        update(agent_sessions)
        .where(
            agent_sessions.c.workspace_id == work.workspace_id,
            agent_sessions.c.id == session_id,
            agent_sessions.c.ended_at.is_(None),
        )
        .values(state=state, state_reason=kept, last_seen_at=work.now)
        .returning(agent_sessions.c.id)
    )
    return row.one_or_none() is not None


async def forget_expired_offers(work: UnitOfWork, session_ids: AbstractSet[UUID]) -> None:
    """Note that sessions claim again what they are offered."""
    await work.execute(
        named("forget_expired_offers"),
        {"workspace_id": work.workspace_id, "session_ids": list(session_ids)},
    )


async def find_live_session_id(work: UnitOfWork, agent_id: UUID) -> UUID | None:
    """Return the latest session of an agent that has not ended, or None."""
    rows = await work.execute(
        select(agent_sessions.c.id)
        .where(
            agent_sessions.c.workspace_id == work.workspace_id,
            agent_sessions.c.agent_id == agent_id,
            agent_sessions.c.ended_at.is_(None),
        )
        .order_by(agent_sessions.c.id.desc())
        .limit(1)
    )
    return rows.scalar_one_or_none()


async def list_live_sessions(work: UnitOfWork, work_pool_id: UUID) -> list[UUID]:
    """Return the sessions of a pool that have not ended."""
    rows = await work.execute(
        select(agent_sessions.c.id).where(
            agent_sessions.c.workspace_id == work.workspace_id,
            agent_sessions.c.work_pool_id == work_pool_id,
            agent_sessions.c.ended_at.is_(None),
        )
    )
    return list(rows.scalars())


async def mark_lost_sessions(
    work: UnitOfWork, *, silent_for: timedelta, most: int
) -> list[tuple[UUID, UUID]]:
    """End sessions that have been silent so long; their workspaces and ids."""
    silent = (
        select(agent_sessions.c.id)
        .where(
            agent_sessions.c.ended_at.is_(None),
            agent_sessions.c.last_seen_at < work.now - silent_for,
        )
        .limit(most)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    rows = await work.execute(
        update(agent_sessions)
        .where(agent_sessions.c.id.in_(silent))
        .values(ended_at=work.now, state=AgentState.LOST)
        .returning(agent_sessions.c.workspace_id, agent_sessions.c.id)
    )
    return [(row.workspace_id, row.id) for row in rows]


def _latest() -> Select[Any]:
    """Return the select of every agent with its latest session and the runs it holds."""
    newest = (
        select(agent_sessions)
        .where(
            agent_sessions.c.workspace_id == agents.c.workspace_id,
            agent_sessions.c.agent_id == agents.c.id,
        )
        .order_by(agent_sessions.c.ended_at.is_(None).desc(), agent_sessions.c.id.desc())
        .limit(1)
        .lateral("session")
    )
    held = (
        select(func.count())
        .where(work_items.c.session_id == newest.c.id, work_items.c.phase != READY)
        .scalar_subquery()
    )
    return select(
        agents,
        newest.c.state,
        newest.c.state_reason,
        newest.c.capacity,
        newest.c.labels,
        newest.c.sdk_version,
        newest.c.host,
        newest.c.queue_ids,
        newest.c.last_seen_at,
        newest.c.connected_at,
        held.label("in_flight"),
    ).join(newest, newest.c.workspace_id == agents.c.workspace_id)


_LATEST = _latest()
"""Made once: it takes milliseconds."""
_LATEST_BY_ID = _LATEST.where(
    agents.c.workspace_id == bindparam("workspace_id"),
    agents.c.id == any_(bindparam("ids", type_=ARRAY(agents.c.id.type))),
)


def to_agent(row: Row[Any]) -> Agent:
    """Return the agent in a row of ``_LATEST``."""
    return Agent(
        workspace_id=row.workspace_id,
        id=row.id,
        work_pool_id=row.work_pool_id,
        name=row.name,
        state=AgentState(row.state),
        capacity=row.capacity,
        in_flight=row.in_flight,
        queue_ids=tuple(row.queue_ids) if row.queue_ids is not None else None,
        labels=row.labels,
        sdk_version=row.sdk_version,
        host=row.host,
        last_heartbeat_at=row.last_seen_at,
        connected_at=row.connected_at,
        state_reason=row.state_reason,
    )


async def get_many_agents(work: UnitOfWork, wanted: Sequence[UUID]) -> dict[UUID, Agent]:
    """Return the agents of this workspace among the ids."""
    rows = await work.execute(
        _LATEST_BY_ID, {"workspace_id": work.workspace_id, "ids": list(wanted)}
    )
    return {row.id: to_agent(row) for row in rows}


async def list_agents(
    work: UnitOfWork, *, work_pool_id: UUID, page: PageRequest, is_online: bool | None
) -> Page[Agent]:
    """Return a page of a pool's agents by name."""
    return await pages.read(
        work,
        _of_pool(work, work_pool_id=work_pool_id, is_online=is_online),
        sort=pages.by(agents.c.name, agents.c.id),
        page=page,
        make=to_agent,
    )


async def count_agents(
    work: UnitOfWork, *, work_pool_id: UUID, is_online: bool | None, cap: int
) -> int:
    """Return how many agents a pool has, up to ``cap + 1``."""
    statement = _of_pool(work, work_pool_id=work_pool_id, is_online=is_online)
    return await pages.count(work, statement, cap=cap)


def _of_pool(work: UnitOfWork, *, work_pool_id: UUID, is_online: bool | None) -> Select[Any]:
    statement = _LATEST.where(
        agents.c.workspace_id == work.workspace_id, agents.c.work_pool_id == work_pool_id
    )
    if is_online is None:
        return statement
    gone = column("state").in_([AgentState.OFFLINE, AgentState.LOST])
    return statement.where(~gone if is_online else gone)


def _to_session(row: Row[Any]) -> AgentSession:
    return AgentSession(
        workspace_id=row.workspace_id,
        id=row.id,
        agent_id=row.agent_id,
        agent_name=row.agent_name,
        work_pool_id=row.work_pool_id,
        queue_ids=tuple(row.queue_ids) if row.queue_ids is not None else None,
        instance_id=row.instance_id,
        capacity=row.capacity,
        state=AgentState(row.state),
        state_reason=row.state_reason,
        sdk_version=row.sdk_version,
        stream_epoch=row.stream_epoch,
        expired_offers=row.expired_offers,
        last_seen_at=row.last_seen_at,
        ended_at=row.ended_at,
        is_pool_paused=row.is_pool_paused,
        pool_version=row.pool_version,
        known_pool_version=row.known_pool_version,
    )
