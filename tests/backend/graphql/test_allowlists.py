"""Allowlists over every transport: who is let in, what ends, and nobody locks themselves out."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from headgate_server.domain.ids import Kind
from headgate_server.services import allowlists
from tests.factories.estates import Estate
from tests.factories.feeds import publish_all
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.events import Events, open_events
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

SET = """mutation ($id: ID!, $networks: [String!]!) {
  organizationAllowlistUpdate(input: {id: $id, networks: $networks}) {
    organization { allowedNetworks version } errors { code message path } } }"""
LOG = """query ($id: ID!) { node(id: $id) { ... on Organization {
  auditLog(first: 1) { nodes { action diff } } } } }"""
VIEWER = "{ viewer { actor { displayName } } }"
SLUG = "{ viewer { organizations { nodes { slug } } } }"
EVENTS = """subscription ($id: ID!) { events(workspaceId: $id) { caughtUp } }"""
WORKSPACE_EVENTS = "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { caughtUp } }"
HERE, THERE = "127.0.0.1", "203.0.113.9"


async def allow(estate: Estate, *networks: str) -> Any:
    answer = await estate.wide.execute(
        SET, id=estate.ids[Kind.ORGANIZATION], networks=list(networks)
    )
    return answer.data["organizationAllowlistUpdate"]


def away(client: ApiClient) -> ApiClient:
    return replace(client, address=THERE)


def clients(estate: Estate) -> list[ApiClient]:
    return [estate.wide, estate.bound, estate.agent, estate.run, estate.browser]


async def test_list_holds_for_every_kind_of_credential(
    installation: Installation, estate: Estate, other_estate: Estate
) -> None:
    other = other_estate
    before = [(await away(client).execute(VIEWER)).status for client in clients(estate)]

    made = await allow(estate, HERE, "2001:db8::/32")

    assert before == [200] * 5
    assert made["errors"] == []
    assert made["organization"]["allowedNetworks"] == ["127.0.0.1/32", "2001:db8::/32"]
    for client in clients(estate):
        refused = await away(client).execute(VIEWER)
        assert (refused.status, refused.code) == (403, "ADDRESS_NOT_ALLOWED")
        assert THERE in refused.error["message"]
        assert (await client.execute(VIEWER)).status == 200
    assert (await away(other.wide).execute(VIEWER)).status == 200


async def test_list_without_its_authors_address_is_refused(estate: Estate) -> None:
    refused = await allow(estate, "203.0.113.0/24")

    (error,) = refused["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["networks"])
    assert HERE in error["message"]
    assert (await away(estate.wide).execute(VIEWER)).status == 200


async def test_change_is_in_the_audit_log_and_asked_twice_changes_nothing_more(
    estate: Estate,
) -> None:
    first = await allow(estate, HERE)
    second = await allow(estate, "127.0.0.1/32")

    log = await estate.wide.execute(LOG, id=estate.ids[Kind.ORGANIZATION])
    (entry,) = log.data["node"]["auditLog"]["nodes"]
    assert second["organization"]["version"] == first["organization"]["version"]
    assert entry["action"] == "organization.allowlist_set"
    assert entry["diff"] == {"before": {"networks": []}, "after": {"networks": ["127.0.0.1/32"]}}


@pytest.mark.parametrize("there", [THERE, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"])
async def test_open_socket_ends_as_its_address_is_allowed_no_more(
    installation: Installation, estate: Estate, there: str
) -> None:
    token = str(estate.wide.token)
    async with (
        serve(installation.app) as address,
        open_socket(address, token=token, forwarded_for=there) as far,
        open_socket(address, token=token) as near,
    ):
        await allow(estate, HERE)

        assert await far.closed() == 4403
        assert there in str(far.raw.close_reason)
        assert (await near.run(VIEWER))[0]["type"] == "next"
        async with open_socket(address, forwarded_for=there) as again:
            await again.send(
                {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
            )
            assert await again.closed() == 4403
            assert there in str(again.raw.close_reason)


async def test_nobody_but_a_trusted_proxy_says_where_a_caller_is(
    installation: Installation, estate: Estate
) -> None:
    token = str(estate.wide.token)
    await allow(estate, HERE)

    async with (
        serve(installation.app, forwarded_allow_ips=["10.0.0.1"]) as address,
        open_socket(address, token=token, forwarded_for=THERE) as believed_not,
    ):
        assert (await believed_not.run(VIEWER))[0]["type"] == "next"


async def test_event_stream_is_refused_from_elsewhere(estate: Estate) -> None:
    await allow(estate, HERE)
    body = {"query": EVENTS, "variables": {"id": estate.ids[Kind.WORKSPACE]}}

    refused = await away(estate.wide).post(body, accept="text/event-stream")

    assert (refused.status, refused.code) == (403, "ADDRESS_NOT_ALLOWED")


async def test_open_event_stream_ends_within_a_second_as_its_address_is_allowed_no_more(
    installation: Installation, estate: Estate
) -> None:
    async def first(stream: Events) -> Any:
        while not (event := await stream.next())[0]:
            pass
        return event[1]

    async with serve(installation.app) as address:
        opening = partial(
            open_events,
            address,
            WORKSPACE_EVENTS,
            token=estate.wide.token,
            id=estate.ids[Kind.WORKSPACE],
        )
        async with (
            opening(headers={"x-forwarded-for": THERE}) as far,
            opening(headers={"x-forwarded-for": HERE}) as near,
        ):
            for stream in (far, near):
                assert (await first(stream))["data"]["workspaceEvents"]["caughtUp"] is True
            await allow(estate, HERE)
            async with asyncio.timeout(1):
                ended = await far.rest()

            (_, last), end = ended[-2:]
            assert last is not None
            assert THERE in last["errors"][0]["message"]
            assert end == ("complete", None)
            place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
            await mutate(
                estate.bound, "variableSet", "variable { name }", **place, name="a", value=1
            )
            await publish_all(installation.database)
            assert (await first(near))["data"]["workspaceEvents"]["caughtUp"] is True


async def test_operator_lets_everybody_in_again(installation: Installation, estate: Estate) -> None:
    await allow(estate, HERE)
    viewer = (await estate.wide.execute(SLUG)).data["viewer"]
    slug = viewer["organizations"]["nodes"][0]["slug"]

    async with installation.database.system() as work:
        cleared = await allowlists.clear_networks(work, slug=slug)

    assert cleared.id == estate.tenant.organization_id
    assert (await away(estate.wide).execute(VIEWER)).status == 200
