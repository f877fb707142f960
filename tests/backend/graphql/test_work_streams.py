"""Work streams of agents over every carrier, through the whole API, and what ends them."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.events import open_events
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
WORK = """subscription ($input: AgentWorkInput!) { agentWork(input: $input) { __typename
  ... on RunOffered { runId leaseToken epoch } ... on StreamOpened { streamEpoch } } }"""
POLLED = """messages { __typename ... on RunOffered { runId leaseToken epoch }
  ... on StreamOpened { streamEpoch } }"""
REVOKED_WITHIN_SECONDS = 1.0


def session_of(estate: Estate) -> str:
    return estate.ids[ids.Kind.AGENT_SESSION]


async def test_an_event_stream_opens_with_live_offers(
    installation: Installation, estate: Estate
) -> None:
    given: Json = {"sessionId": session_of(estate), "held": []}
    async with (
        serve(installation.app) as address,
        open_events(address, WORK, token=estate.agent.token, input=given) as events,
    ):
        found: list[Json] = []
        while len(found) < 2:
            name, answer = await events.next()
            if name:
                assert answer is not None
                found.append(answer["data"]["agentWork"])

    assert found == [
        {"__typename": "StreamOpened", "streamEpoch": 1},
        {"__typename": "RunOffered", **estate.offer},
    ]


async def test_a_poll_brings_what_a_stream_would(estate: Estate) -> None:
    given: Json = {"sessionId": session_of(estate), "held": [], "waitSeconds": 0}

    first = await mutate(estate.agent, "agentPoll", POLLED, **given)
    second = await mutate(estate.agent, "agentPoll", POLLED, **given)

    offered = {"__typename": "RunOffered", **estate.offer}
    assert first["messages"] == [{"__typename": "StreamOpened", "streamEpoch": 1}, offered]
    assert second["messages"] == [{"__typename": "StreamOpened", "streamEpoch": 2}, offered]


async def test_a_poll_may_wait_longer_than_any_other_operation(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mutate(estate.agent, "runClaim", "job", sessionId=session_of(estate), lease=estate.offer)
    monkeypatch.setattr("headgate_server.graphql.limits.rules.OPERATION_TIMEOUT_SECONDS", 0.2)

    polled = await mutate(
        estate.agent, "agentPoll", POLLED, sessionId=session_of(estate), held=[], waitSeconds=1
    )

    assert [message["__typename"] for message in polled["messages"]] == ["StreamOpened"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"waitSeconds": 26}, ["waitSeconds"]),
        ({"waitSeconds": -1}, ["waitSeconds"]),
        ({"max": 0}, ["max"]),
        ({"max": 101}, ["max"]),
    ],
)
async def test_a_poll_out_of_its_ranges_is_refused(
    estate: Estate, given: Json, path: list[str]
) -> None:
    answer = await estate.agent.execute(
        "mutation ($input: AgentPollInput!) { agentPoll(input: $input) { errors { code path } } }",
        input={"sessionId": session_of(estate), "held": [], **given},
    )

    assert answer.data["agentPoll"]["errors"] == [{"code": "INVALID", "path": path}]


async def test_a_changed_pool_is_looked_at_anew_once(estate: Estate) -> None:
    process = {
        "poolName": "pool",
        "name": "agent-2",
        "instanceId": str(uuid4()),
        "capacity": 1,
        "sdkVersion": "0.1.0",
        "protocolVersions": [1],
    }

    async def register() -> tuple[ApiClient, str]:
        made = await mutate(estate.bound, "agentRegister", "sessionId sessionToken", **process)
        return ApiClient(estate.agent.app, token=made["sessionToken"]), made["sessionId"]

    agent, session = await register()
    before = await orders(agent, session)
    await mutate(
        estate.bound,
        "workPoolUpsert",
        "workPool { id }",
        workspaceId=estate.ids[ids.Kind.WORKSPACE],
        name="pool",
        type="process",
        baseJobTemplate={"job_configuration": {"env": {"A": "1"}}},
    )
    changed = await orders(agent, session)
    agent, again = await register()

    assert (before, changed) == ([], ["RECONFIGURE"])
    assert again == session
    assert await orders(agent, session) == []


async def orders(agent: ApiClient, session: str) -> list[str]:
    """Return the orders that a heartbeat brings."""
    beat = await mutate(
        agent, "agentHeartbeat", "directives { kind }", sessionId=session, held=[], capacity=1
    )
    return [directive["kind"] for directive in beat["directives"]]


async def test_a_draining_agent_says_until_when_and_gives_back_its_offers(estate: Estate) -> None:
    drained = await mutate(
        estate.agent,
        "agentDrain",
        "agent { state stateReason inFlight }",
        sessionId=session_of(estate),
        deadline="2030-01-01T00:00:00Z",
    )

    assert drained["agent"] == {
        "state": "DRAINING",
        "stateReason": "Drains until 2030-01-01T00:00:00+00:00.",
        "inFlight": 0,
    }


async def revoke(estate: Estate, token: str) -> None:
    """Revoke a key by its token."""
    shown = await ApiClient(estate.bound.app, token=token).execute("{ viewer { apiKey { id } } }")
    key_id = shown.data["viewer"]["apiKey"]["id"]
    await mutate(estate.wide, "apiKeyRevoke", "deletedId", id=key_id)


async def test_a_revoked_key_loses_its_open_connections_within_a_second(
    installation: Installation, estate: Estate
) -> None:
    token = await installation.token(estate.tenant, scopes=[Scope.LOGS_READ, Scope.RUNS_READ])
    tail = "subscription ($id: ID!) { logTail(flowRunId: $id) { ended } }"
    run_id = estate.offer["runId"]
    async with (
        serve(installation.app) as address,
        open_socket(address, token=token) as socket,
        open_events(address, tail, token=token, id=run_id) as events,
    ):
        await events.next()
        await revoke(estate, token)
        at = time.monotonic()
        rest, code = await asyncio.gather(events.rest(), socket.closed())

    assert time.monotonic() - at < REVOKED_WITHIN_SECONDS
    assert code == 4403
    assert rest[-1] == ("complete", None)
    assert rest[-2][1] is not None
    assert rest[-2][1]["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_run_loses_its_open_connections_with_the_key_that_it_was_begun_with(
    installation: Installation, estate: Estate
) -> None:
    begun_with = estate.bound.token
    assert begun_with is not None
    async with (
        serve(installation.app) as address,
        open_socket(address, token=estate.run.token) as socket,
    ):
        assert (await socket.run("{ viewer { scopes } }"))[0]["type"] == "next"
        await revoke(estate, begun_with)
        at = time.monotonic()
        code = await socket.closed()

    assert time.monotonic() - at < REVOKED_WITHIN_SECONDS
    assert code == 4403


@pytest.mark.parametrize("overlap", [0, 1])
async def test_a_turned_key_and_its_sessions_lose_their_open_connections_with_the_old_secret(
    installation: Installation, estate: Estate, overlap: int
) -> None:
    old = estate.bound.token
    shown = await estate.bound.execute("{ viewer { apiKey { id } } }")
    turned = {"id": shown.data["viewer"]["apiKey"]["id"]}
    turn = """mutation ($input: IdInput!, $overlap: Int!) {
      apiKeyRotate(input: $input, overlapSeconds: $overlap) { errors { message } } }"""
    async with (
        serve(installation.app) as address,
        open_socket(address, token=old) as of_key,
        open_socket(address, token=estate.agent.token) as of_session,
    ):
        for socket in (of_key, of_session):
            assert (await socket.run("{ viewer { scopes } }"))[0]["type"] == "next"
        answer = await estate.wide.execute(turn, input=turned, overlap=overlap)
        at = time.monotonic()
        codes = await asyncio.gather(of_key.closed(), of_session.closed())

    assert answer.data == {"apiKeyRotate": {"errors": []}}
    assert overlap - 0.5 < time.monotonic() - at < overlap + REVOKED_WITHIN_SECONDS
    assert codes == [4403, 4403]


async def test_a_poll_that_waits_ends_with_the_key_that_its_agent_came_with(
    estate: Estate, urls: DatabaseUrls
) -> None:
    begun_with = estate.bound.token
    assert begun_with is not None
    await mutate(estate.agent, "runClaim", "job", sessionId=session_of(estate), lease=estate.offer)
    given: Json = {"sessionId": session_of(estate), "held": [], "waitSeconds": 25}
    document = "mutation ($input: AgentPollInput!) { agentPoll(input: $input) { errors { code } } }"

    polling = asyncio.create_task(estate.agent.execute(document, input=given))
    streams = "select count(*) from agent_sessions where stream_epoch > 0"
    await eventually(lambda: query(urls.owner, streams), what="The poll")
    await revoke(estate, begun_with)
    at = time.monotonic()
    answer = await polling

    assert time.monotonic() - at < REVOKED_WITHIN_SECONDS
    assert answer.json["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def of_one(what: str) -> str:
    """Return what counts who holds slots of the limit named one, or waits for some."""
    return f"""select count(*) from concurrency_{what} taken
      join concurrency_limits wanted on wanted.id = taken.limit_id and wanted.name = 'one'"""  # noqa: S608  of tests


async def test_a_wait_for_slots_ends_with_its_key_and_takes_none(
    installation: Installation, estate: Estate, urls: DatabaseUrls
) -> None:
    place = {"workspaceId": estate.ids[ids.Kind.WORKSPACE]}
    given: Json = {**place, "name": "one", "limit": 1}
    await mutate(estate.wide, "concurrencyLimitUpsert", "created", **given)
    asked: Json = {**place, "names": ["one"], "ttl": "P1D"}
    held = await mutate(
        estate.wide, "concurrencyAcquire", "leaseId", **asked, idempotencyKey="holder"
    )
    token = await installation.token(estate.tenant, scopes=[Scope.RUNS_EXECUTE, Scope.RUNS_READ])
    waiter = ApiClient(installation.app, token=token)
    document = """mutation ($input: ConcurrencyAcquireInput!) {
      concurrencyAcquire(input: $input) { acquired errors { code } } }"""

    waiting = asyncio.create_task(
        waiter.execute(document, input={**asked, "idempotencyKey": "waiter", "wait": "PT25S"})
    )
    await eventually(lambda: query(urls.owner, of_one("waiters")), what="The wait")
    await revoke(estate, token)
    at = time.monotonic()
    answer = await waiting
    await mutate(estate.wide, "concurrencyRelease", "deletedId", **place, leaseId=held["leaseId"])

    assert time.monotonic() - at < REVOKED_WITHIN_SECONDS
    assert answer.json["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await query(urls.owner, of_one("slots")) == 0
