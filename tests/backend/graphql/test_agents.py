"""An agent through the API: registered, offered a run over its stream, claimed, released."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.http.openings import Openings
from headgate_server.repositories.agents import upsert_agent
from tests.factories.blocks import refused
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.fixtures.api import Answer, ApiClient, Socket, open_socket, serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation, replica

pytestmark = pytest.mark.anyio

WORK = """subscription ($input: AgentWorkInput!) { agentWork(input: $input) { __typename
  ... on StreamOpened { streamEpoch held { runId epoch cancelRequested } unknown offerTtl }
  ... on RunOffered { runId leaseToken epoch queue priority deliveryCount }
  ... on RunCancelRequested { runId epoch graceSeconds }
  ... on AgentDirective { kind } } }"""


async def next_work(socket: Socket, kind: str) -> dict[str, Any]:
    """Return the next message of a kind, passing over heartbeats."""
    while True:
        message = await socket.receive()
        assert message["type"] == "next", message
        work: dict[str, Any] = message["payload"]["data"]["agentWork"]
        if work["__typename"] == kind:
            return work


async def test_offered_run_is_claimed_and_its_token_moves_it(
    installation: Installation, estate: Estate
) -> None:
    session = estate.ids[ids.Kind.AGENT_SESSION]
    claimed = await mutate(
        estate.agent,
        "runClaim",
        "run { id state { type } } runToken job leaseExpiresAt",
        sessionId=session,
        lease=estate.offer,
    )
    again = await mutate(
        estate.agent, "runClaim", "runToken job", sessionId=session, lease=estate.offer
    )
    run = installation.holding(claimed["runToken"])
    started = await mutate(
        run,
        "flowRunSetState",
        "accepted state { type }",
        id=estate.offer["runId"],
        state={"type": "RUNNING"},
        lease=estate.offer,
    )

    assert claimed["run"] == {"id": estate.offer["runId"], "state": {"type": "PENDING"}}
    assert claimed["job"]["entrypoint"] == "flows.py:etl"
    assert claimed["job"]["flowName"] == "etl"
    assert again["runToken"] == claimed["runToken"]
    assert started == {"accepted": True, "state": {"type": "RUNNING"}, "errors": []}


async def test_stream_opens_with_live_offers_and_brings_new_ones(
    installation: Installation, estate: Estate
) -> None:
    session = estate.ids[ids.Kind.AGENT_SESSION]
    async with (
        serve(installation.app) as address,
        open_socket(address, token=estate.agent.token) as socket,
    ):
        await socket.subscribe(WORK, input={"sessionId": session, "held": []})
        opened = await next_work(socket, "StreamOpened")
        first = await next_work(socket, "RunOffered")
        made = await mutate(
            estate.bound,
            "flowRunCreate",
            "flowRun { id }",
            workspaceId=estate.ids[ids.Kind.WORKSPACE],
            deploymentId=estate.ids[ids.Kind.DEPLOYMENT],
        )
        second = await next_work(socket, "RunOffered")

    assert (opened["streamEpoch"], opened["held"], opened["unknown"]) == (1, [], [])
    assert (first["runId"], first["leaseToken"]) == (
        estate.offer["runId"],
        estate.offer["leaseToken"],
    )
    assert second["runId"] == made["flowRun"]["id"]
    assert (second["queue"], second["epoch"], second["deliveryCount"]) == ("default", 1, 1)


async def test_heartbeat_brings_verdicts_a_fresh_token_and_directives(
    installation: Installation, estate: Estate
) -> None:
    session = estate.ids[ids.Kind.AGENT_SESSION]
    await mutate(estate.agent, "runClaim", "run { id }", sessionId=session, lease=estate.offer)
    await mutate(estate.agent, "agentDrain", "agent { state }", sessionId=session)

    beat = await mutate(
        estate.agent,
        "agentHeartbeat",
        "leases { runId outcome } directives { kind } sessionToken expiresAt serverTime",
        sessionId=session,
        held=[estate.offer, {**estate.offer, "runId": estate.ended_run}],
        capacity=5,
    )
    fresh = await installation.holding(beat["sessionToken"]).execute(
        "{ viewer { actor { __typename displayName } scopes } }"
    )

    assert [lease["outcome"] for lease in beat["leases"]] == ["RENEWED", "FINISHED"]
    assert beat["directives"] == [{"kind": "DRAIN"}]
    assert fresh.data["viewer"] == {
        "actor": {"__typename": "AgentSession", "displayName": "agent-1"},
        "scopes": ["AGENTS_CONNECT"],
    }


async def test_person_drains_an_agent_and_its_process_hears_of_it(estate: Estate) -> None:
    agent, session = estate.ids[ids.Kind.AGENT], estate.ids[ids.Kind.AGENT_SESSION]
    await mutate(estate.agent, "runClaim", "run { id }", sessionId=session, lease=estate.offer)

    asked = await mutate(
        estate.wide,
        "agentRequestDrain",
        "agent { state stateReason inFlight leases { id } }",
        id=agent,
        deadline="2999-01-01T00:00:00Z",
        reason="the machine is replaced",
    )
    beat = await mutate(
        estate.agent,
        "agentHeartbeat",
        "leases { outcome } directives { kind reason }",
        sessionId=session,
        held=[estate.offer],
        capacity=5,
    )

    shown = asked["agent"]
    assert (shown["state"], shown["inFlight"]) == ("DRAINING", 1)
    assert shown["leases"] == [{"id": estate.offer["runId"]}]
    assert shown["stateReason"].startswith("Drains until 2999-01-01T00:00:00+00:00, asked by ")
    assert shown["stateReason"].endswith(": the machine is replaced")
    assert beat["leases"] == [{"outcome": "RENEWED"}]
    assert beat["directives"] == [{"kind": "DRAIN", "reason": shown["stateReason"]}]


async def test_drain_that_a_person_asked_for_wins_and_says_why_to_the_end(estate: Estate) -> None:
    agent, session = estate.ids[ids.Kind.AGENT], estate.ids[ids.Kind.AGENT_SESSION]
    asked = await mutate(
        estate.wide, "agentRequestDrain", "agent { stateReason }", id=agent, reason="it is replaced"
    )
    why = asked["agent"]["stateReason"]

    async def beat(state: str | None) -> object:
        answer = await mutate(
            estate.agent,
            "agentHeartbeat",
            "directives { kind reason }",
            sessionId=session,
            held=[],
            capacity=5,
            state=state,
        )
        return answer["directives"]

    beats = [await beat(state) for state in ("ONLINE", "DRAINING", "PAUSED", None)]
    obeyed = await mutate(
        estate.agent, "agentDrain", "agent { state stateReason }", sessionId=session
    )

    assert why.endswith(": it is replaced")
    assert beats == [[{"kind": "DRAIN", "reason": why}]] * 4
    assert obeyed["agent"] == {"state": "DRAINING", "stateReason": why}


async def test_drain_is_refused_where_nobody_hears_of_it(estate: Estate) -> None:
    agent, session = estate.ids[ids.Kind.AGENT], estate.ids[ids.Kind.AGENT_SESSION]
    past = await refused(
        estate.wide,
        "agentRequestDrain",
        id=agent,
        deadline="2000-01-01T00:00:00Z",
    )
    long = await refused(estate.wide, "agentRequestDrain", id=agent, reason="x" * 1_001)
    await mutate(estate.agent, "agentDeregister", "deletedId", sessionId=session)
    gone = await refused(estate.wide, "agentRequestDrain", id=agent)

    assert [one["code"] for one in (past, long, gone)] == [
        "INVALID",
        "INVALID",
        "CONFLICT",
    ]


async def test_session_token_reads_nothing_of_the_workspace(estate: Estate) -> None:
    answer = await estate.agent.execute(
        "query ($id: ID!) { node(id: $id) { id } flowRun(id: $id) { id } }",
        id=estate.offer["runId"],
    )

    assert answer.data == {"node": None, "flowRun": None}


async def test_agent_key_registers_in_its_own_pool_only(
    installation: Installation, estate: Estate
) -> None:
    pool_id = ids.parse(estate.ids[ids.Kind.WORK_POOL], kind=ids.Kind.WORK_POOL)
    token = await installation.token(
        estate.tenant, scopes=[Scope.AGENTS_CONNECT], work_pool_id=pool_id
    )
    await mutate(
        estate.bound,
        "workPoolUpsert",
        "workPool { id }",
        workspaceId=estate.ids[ids.Kind.WORKSPACE],
        name="other",
        type="process",
    )
    document = """mutation ($input: AgentRegisterInput!) { agentRegister(input: $input) {
      workPool { name } protocolVersion errors { code } } }"""
    process = {
        "name": "agent-2",
        "instanceId": str(uuid4()),
        "capacity": 1,
        "sdkVersion": "1",
        "protocolVersions": [1],
    }
    agent = installation.holding(token)

    own = await agent.execute(document, input={**process, "poolName": "pool"})
    other = await agent.execute(document, input={**process, "poolName": "other"})

    assert own.data["agentRegister"] == {
        "workPool": {"name": "pool"},
        "protocolVersion": 1,
        "errors": [],
    }
    assert other.data["agentRegister"]["errors"] == [{"code": "FORBIDDEN"}]


async def test_deregistered_session_is_fenced(estate: Estate) -> None:
    session = estate.ids[ids.Kind.AGENT_SESSION]
    await mutate(estate.agent, "agentDeregister", "deletedId", sessionId=session)

    answer = await estate.agent.execute("{ viewer { scopes } }")

    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


async def test_heartbeat_asks_for_the_generation_once(
    estate: Estate, statements: list[str], urls: DatabaseUrls, redis_url: str
) -> None:
    session = estate.ids[ids.Kind.AGENT_SESSION]

    async with replica(urls, redis_url) as fresh:
        agent = ApiClient(fresh.app, token=estate.agent.token)
        statements.clear()
        await mutate(
            agent, "agentHeartbeat", "sessionToken", sessionId=session, held=[], capacity=5
        )

    assert len([text for text in statements if "control_plane.generation" in text]) == 1


async def test_registration_holds_a_place_for_as_long_as_it_is_under_way(
    installation: Installation, estate: Estate, urls: DatabaseUrls, redis_url: str
) -> None:
    openings = Openings(most=1)
    pool_id = ids.parse(estate.ids[ids.Kind.WORK_POOL], kind=ids.Kind.WORK_POOL)

    async with replica(urls, redis_url, openings=openings) as fresh:
        api = ApiClient(fresh.app, token=estate.bound.token)
        async with installation.database.system(workspace_id=estate.tenant.workspace_id) as work:
            # Whoever registers under this name waits until this is committed.
            await upsert_agent(work, work_pool_id=pool_id, name="contended")
            first = asyncio.create_task(register(api, name="contended"))
            await eventually(lambda: openings.is_full, what="The place was not taken")
            refused = await register(api, name="other")
        registered = await first

    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert refused.error["extensions"]["retryAfterMs"] == 1000
    assert refused.headers["retry-after"] == "1"
    assert registered.data["agentRegister"]["errors"] == []
    assert not openings.is_full


async def register(api: ApiClient, *, name: str) -> Answer:
    """Register a process as an agent of a name."""
    document = """mutation ($input: AgentRegisterInput!) { agentRegister(input: $input) {
      sessionId errors { code } } }"""
    process = {
        "poolName": "pool",
        "name": name,
        "instanceId": str(uuid4()),
        "capacity": 1,
        "sdkVersion": "1",
        "protocolVersions": [1],
    }
    return await api.execute(document, input=process)
