"""The agent's protocol over the API: register, heartbeat, work stream, claim, release, leave."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Literal

import msgspec

from headgate.api.calls import Answer, LeaseInput, change, given
from headgate.api.documents import document
from headgate.api.flow_runs import LeaseVerdict, Named, Proposal
from headgate.api.states import StateAnswer
from headgate.api.transport import Transport
from headgate.api.work_stream import WorkMessage, read_message

NOUN = "agents"

PROTOCOL_VERSION = 1


class PoolAnswer(Answer, frozen=True):
    """The pool that an agent serves."""

    id: str
    name: str
    type: str
    base_job_template: dict[str, Any]


class Registration(Answer, frozen=True):
    """A session of an agent; its token is renewed by heartbeats."""

    agent: Named
    session_id: str
    session_token: str
    expires_at: datetime
    protocol_version: int
    work_pool: PoolAnswer


class DirectiveAnswer(Answer, frozen=True):
    """What the agent is to do: PAUSE, RESUME, DRAIN, RECONFIGURE or UPGRADE."""

    kind: str
    reason: str | None = None


class HeartbeatAnswer(Answer, frozen=True):
    """A verdict per lease, directives, and a fresh token when it is time for one."""

    leases: list[LeaseVerdict]
    directives: list[DirectiveAnswer]
    server_time: datetime
    session_token: str | None = None
    expires_at: datetime | None = None


class Claim(Answer, frozen=True):
    """A claimed run: what to execute, and the token for its process.

    Args:
        job: as ``headgate.specs.decode_job`` reads it.
    """

    run: Named
    run_token: str
    job: dict[str, Any]
    lease_expires_at: datetime | None = None


async def register(
    transport: Transport,
    *,
    workspace_id: str | None,
    pool_name: str,
    name: str,
    instance_id: str,
    capacity: int,
    sdk_version: str,
    host: str,
    queue_names: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    features: Sequence[str] = (),
) -> Registration:
    """Open a session for this process; an older process of the same name is fenced off."""
    payload = await change(
        transport,
        NOUN,
        "AgentRegister",
        input=given(
            workspaceId=workspace_id,
            poolName=pool_name,
            queueNames=list(queue_names) if queue_names is not None else None,
            name=name,
            instanceId=instance_id,
            capacity=capacity,
            labels=dict(labels) if labels is not None else None,
            sdkVersion=sdk_version,
            host=host,
            protocolVersions=[PROTOCOL_VERSION],
            features=list(features),
        ),
    )
    return msgspec.convert(payload, Registration)


async def heartbeat(
    transport: Transport,
    *,
    session_id: str,
    held: Sequence[LeaseInput],
    capacity: int,
    state: str | None = None,
    deadline_seconds: float | None = None,
) -> HeartbeatAnswer:
    """Renew every held lease in one call."""
    payload = await change(
        transport,
        NOUN,
        "AgentHeartbeat",
        input=given(
            sessionId=session_id,
            held=[lease.as_variables() for lease in held],
            capacity=capacity,
            state=state,
        ),
        deadline_seconds=deadline_seconds,
    )
    return msgspec.convert(payload, HeartbeatAnswer)


async def work_stream(
    transport: Transport,
    *,
    session_id: str,
    held: Sequence[LeaseInput],
    over: Literal["websocket", "sse"] = "websocket",
) -> AsyncGenerator[WorkMessage]:
    """Receive offers and control messages; the caller re-opens a broken stream."""
    variables = {
        "input": {"sessionId": session_id, "held": [lease.as_variables() for lease in held]}
    }
    async with aclosing(
        transport.subscribe(
            document(NOUN, "AgentWork"), variables, operation="AgentWork", over=over
        )
    ) as messages:
        async for message in messages:
            read = read_message(message["agentWork"])
            if read is not None:
                yield read


async def poll(
    transport: Transport,
    *,
    session_id: str,
    held: Sequence[LeaseInput],
    wait_seconds: int,
    most: int = 100,
) -> list[WorkMessage]:
    """Wait for the messages of a work stream where none can be had; asked for once.

    The first one is StreamOpened; what is not fetched comes with the next call.
    """
    payload = await change(
        transport,
        NOUN,
        "AgentPoll",
        input={
            "sessionId": session_id,
            "held": [lease.as_variables() for lease in held],
            "waitSeconds": wait_seconds,
            "max": most,
        },
        deadline_seconds=0,
    )
    read = (read_message(message) for message in payload["messages"])
    return [message for message in read if message is not None]


async def claim(transport: Transport, *, session_id: str, lease: LeaseInput) -> Claim:
    """Take an offered run; the same lease answers the same again.

    Raises:
        LeaseLostError: the offer expired or went to another session.
    """
    payload = await change(
        transport,
        NOUN,
        "RunClaim",
        input={"sessionId": session_id, "lease": lease.as_variables()},
    )
    return msgspec.convert(payload, Claim)


async def decline(
    transport: Transport,
    *,
    session_id: str,
    lease: LeaseInput,
    reason: str,
    retry_after: str | None = None,
) -> None:
    """Give an offered run back unstarted.

    Args:
        retry_after: an ISO-8601 duration during which this session wants no offer of it.
    """
    await change(
        transport,
        NOUN,
        "RunDecline",
        input=given(
            sessionId=session_id,
            lease=lease.as_variables(),
            reason=reason,
            retryAfter=retry_after,
        ),
    )


async def release(
    transport: Transport,
    *,
    session_id: str,
    lease: LeaseInput,
    final_state: dict[str, Any],
    deadline_seconds: float | None = None,
) -> Proposal:
    """Say how a run ended that can no longer say so itself."""
    payload = await change(
        transport,
        NOUN,
        "RunRelease",
        input={
            "sessionId": session_id,
            "lease": lease.as_variables(),
            "finalState": final_state,
        },
        deadline_seconds=deadline_seconds,
    )
    return Proposal(
        accepted=payload["accepted"],
        state=msgspec.convert(payload["state"], StateAnswer | None),
    )


async def drain(transport: Transport, *, session_id: str, deadline: datetime | None = None) -> None:
    """Ask for no more offers."""
    await change(
        transport,
        NOUN,
        "AgentDrain",
        input=given(sessionId=session_id, deadline=deadline.isoformat() if deadline else None),
    )


async def deregister(transport: Transport, *, session_id: str) -> None:
    """Close the session."""
    await change(transport, NOUN, "AgentDeregister", input={"sessionId": session_id})
