"""What can be done with agents: register, report, drain, leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.agents import (
    PROTOCOL_VERSION,
    Agent,
    AgentSession,
    AgentState,
    check_capacity,
)
from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import Conflict, Forbidden, InvalidInput, NotFound, SessionFenced
from headgate_server.domain.events import NewEvent
from headgate_server.domain.flows import MAX_NAME_LENGTH, check_name
from headgate_server.domain.work_pools import WorkPool
from headgate_server.repositories import agents as repository
from headgate_server.repositories.agents import NewSession
from headgate_server.repositories.leases import read as leases
from headgate_server.repositories.leases import renew
from headgate_server.services import work_pools, work_queues
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.events import record_events

get_many_agents = repository.get_many_agents
find_session = repository.find_session
list_sessions = repository.list_sessions
list_runs_of_agents = leases.list_runs_of_agents
open_stream = repository.open_stream
list_agents = repository.list_agents
count_agents = repository.count_agents

MAX_LABELS = 50
MAX_REASON_LENGTH = 1_000
"""As much as a page shows beside an agent."""
MAX_LABELS_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Registration:
    """What a process says when it registers as an agent."""

    pool_name: str
    name: str
    instance_id: UUID
    queue_names: tuple[str, ...] | None
    capacity: int
    labels: dict[str, Any]
    sdk_version: str
    host: str | None
    protocol_versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What a session says of itself with a heartbeat; ``state`` is None where it is unchanged."""

    workspace_id: UUID
    session_id: UUID
    capacity: int
    state: AgentState | None


async def register_agent(
    work: UnitOfWork,
    registration: Registration,
    *,
    api_key_id: UUID | None,
    granted_pool_id: UUID | None,
    secret_number: int | None = None,
) -> tuple[AgentSession, WorkPool]:
    """Open a session of an agent; the same instance gets the same session again.

    Args:
        work: the unit of work.
        registration: what the process says of itself.
        api_key_id: the key it showed, so that the session ends as the key does.
        granted_pool_id: the pool that an agent key is bound to.
        secret_number: which of the key's secrets it showed; the first if that is not said.

    Raises:
        NotFound: no such pool or queue.
        Forbidden: the key is bound to another pool.
        InvalidInput: a name, capacity or protocol that will not do.
    """
    _check(registration)
    pool = await _pool(work, registration.pool_name, granted_pool_id=granted_pool_id)
    queue_ids = await _queue_ids(work, pool.id, registration.queue_names)
    agent_id = await repository.upsert_agent(work, work_pool_id=pool.id, name=registration.name)
    session, former_key_id = await repository.upsert_session(
        work,
        agent_id=agent_id,
        work_pool_id=pool.id,
        session=NewSession(
            instance_id=registration.instance_id,
            queue_ids=queue_ids,
            capacity=registration.capacity,
            labels=registration.labels,
            sdk_version=registration.sdk_version,
            host=registration.host,
            api_key_id=api_key_id,
            secret_number=secret_number or 1,
            pool_version=pool.version,
        ),
    )
    if former_key_id is not None and former_key_id != api_key_id:
        # What is open under the session watches the key that it was under.
        work.wake(channels.api_key(former_key_id))
    await record_events(work, [_event("agent.connected", session)])
    return session, pool


async def _pool(work: UnitOfWork, name: str, *, granted_pool_id: UUID | None) -> WorkPool:
    pool = await work_pools.find_by_name(work, name=name)
    if pool is None:
        raise NotFound(f"There is no work pool named {name}; create it first.", path=["poolName"])
    if granted_pool_id is not None and granted_pool_id != pool.id:
        raise Forbidden("This agent key is bound to another work pool.")
    return pool


def _check(registration: Registration) -> None:
    check_name(registration.name)
    check_capacity(registration.capacity)
    if PROTOCOL_VERSION not in registration.protocol_versions:
        raise InvalidInput(
            f"This server speaks protocol {PROTOCOL_VERSION}; use an agent that does.",
            path=["protocolVersions"],
        )
    if len(registration.labels) > MAX_LABELS:
        raise InvalidInput(f"At most {MAX_LABELS} labels.", path=["labels"])
    check_document(registration.labels, field="labels", most_bytes=MAX_LABELS_BYTES)
    for text, field in ((registration.host, "host"), (registration.sdk_version, "sdkVersion")):
        if text is not None and len(text) > MAX_NAME_LENGTH:
            raise InvalidInput(f"{field} has at most {MAX_NAME_LENGTH} characters.", path=[field])


async def _queue_ids(
    work: UnitOfWork, pool_id: UUID, names: tuple[str, ...] | None
) -> tuple[UUID, ...] | None:
    if names is None:
        return None
    queues = await work_queues.get_many_of_pools(work, [pool_id])
    by_name = {queue.name: queue.id for queue in queues.get(pool_id, ())}
    missing = [name for name in names if name not in by_name]
    if missing or not names:
        raise NotFound(
            f"The pool has no queue named {', '.join(missing) or '(none given)'}.",
            path=["queueNames"],
        )
    return tuple(by_name[name] for name in names)


def check_report(report: SessionReport) -> None:
    """Refuse what no agent reports.

    Raises:
        InvalidInput: a capacity out of range, or a state no agent reports.
    """
    check_capacity(report.capacity)
    if report.state in {AgentState.LOST, AgentState.OFFLINE}:
        raise InvalidInput("An agent reports ONLINE, PAUSED or DRAINING.", path=["state"])


async def list_live(work: UnitOfWork, reports: Sequence[SessionReport]) -> set[UUID]:
    """Return which of the reporting sessions have not ended."""
    found = await repository.list_sessions(work, {report.session_id for report in reports})
    known = {(report.workspace_id, report.session_id) for report in reports}
    return {
        session.id
        for session in found
        if session.ended_at is None and (session.workspace_id, session.id) in known
    }


async def report_sessions(work: UnitOfWork, reports: Sequence[SessionReport]) -> list[AgentSession]:
    """Record heartbeats; one that drains goes on, one that was paused stays so unless it says else.

    Returns:
        The sessions as they are now; without those that have ended, or that somebody else changes
        at this moment.
    """
    sessions = await repository.touch_sessions(
        work,
        [
            (report.workspace_id, report.session_id, report.capacity, report.state)
            for report in reports
        ],
    )
    online = {report.session_id for report in reports if report.state is AgentState.ONLINE}
    for session in sessions:
        if session.id in online:
            work.wake(channels.pool(session.work_pool_id), channels.agent(session.id))
    return sessions


async def drain_session(
    work: UnitOfWork, *, session_id: UUID, deadline: datetime | None = None
) -> AgentSession:
    """Offer a session nothing more; it finishes what it holds, if it can by the deadline.

    What it was offered and has not claimed goes back to its pool at once. Without a deadline, the
    reason that somebody gave who asked for it stays.

    Raises:
        SessionFenced: the session has ended.
    """
    reason = f"Drains until {deadline.isoformat()}." if deadline is not None else None
    return await _drain(work, session_id=session_id, reason=reason)


async def _drain(work: UnitOfWork, *, session_id: UUID, reason: str | None) -> AgentSession:
    session = await repository.find_session(work, session_id)
    if session is None:
        raise SessionFenced
    await repository.set_session_state(
        work, session_id=session_id, state=AgentState.DRAINING, reason=reason
    )
    pools = await renew.return_offers(work, [session_id])
    work.wake(*(channels.pool(pool_id) for pool_id in pools))
    await record_events(work, [_event("agent.draining", session)])
    work.wake(channels.agent(session_id))
    return session


async def request_drain(
    work: UnitOfWork, *, agent_id: UUID, deadline: datetime | None, reason: str | None
) -> Agent:
    """Ask an agent's latest process to take nothing more, and to end with the last run it holds.

    It hears of it with its next call; asked again, the newest words stand.

    Args:
        work: the unit of work.
        agent_id: which agent.
        deadline: told to whoever looks; what it still holds then goes on.
        reason: why, at most ``MAX_REASON_LENGTH`` characters; kept in the audit log.

    Raises:
        InvalidInput: an over-long reason, or a deadline that has passed.
        Conflict: no process of the agent is there to hear of it.
    """
    if reason is not None and len(reason) > MAX_REASON_LENGTH:
        raise InvalidInput(f"A reason has at most {MAX_REASON_LENGTH} characters.", path=["reason"])
    if deadline is not None and deadline <= work.now:
        raise InvalidInput("The deadline has passed; give a later one.", path=["deadline"])
    session_id = await repository.find_live_session_id(work, agent_id)
    if session_id is None:
        raise Conflict("No process of this agent is there; it takes nothing already.", path=["id"])
    until = f" until {deadline.isoformat()}" if deadline is not None else ""
    said = f": {reason}" if reason else "."
    session = await _drain(
        work,
        session_id=session_id,
        reason=f"Drains{until}, asked by {work.actor.display_name}{said}",
    )
    await record_action(
        work,
        "drain_requested",
        kind=ids.Kind.AGENT,
        id_=agent_id,
        name=session.agent_name,
        said={"deadline": deadline.isoformat() if deadline else None, "reason": reason},
    )
    return (await repository.get_many_agents(work, [agent_id]))[agent_id]


async def leave(work: UnitOfWork, *, session_id: UUID) -> bool:
    """End a session; what it claimed lives on until it expires or is released. False when repeated.

    What it was offered and has not claimed goes back to its pool at once.
    """
    session = await repository.find_session(work, session_id)
    if session is None:
        return False
    await repository.end_session(work, session_id=session_id, state=AgentState.OFFLINE)
    pools = await renew.return_offers(work, [session_id])
    work.wake(*(channels.pool(pool_id) for pool_id in pools))
    await record_events(work, [_event("agent.disconnected", session)])
    work.wake(channels.agent(session_id))
    return True


def paused_event(session: AgentSession) -> NewEvent:
    """Return what is told of a session that was paused, with the reason."""
    return _event("agent.paused", session)


def _event(name: str, session: AgentSession) -> NewEvent:
    shown = ids.show(ids.Kind.AGENT, session.agent_id)
    return NewEvent(
        name=name,
        resource_id=shown,
        resource={"id": shown, "kind": "agent", "name": session.agent_name},
        payload={
            "session": ids.show(ids.Kind.AGENT_SESSION, session.id),
            "reason": session.state_reason,
        },
        related=({"kind": "work_pool", "id": ids.show(ids.Kind.WORK_POOL, session.work_pool_id)},),
    )
