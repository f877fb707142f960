"""What OWASP's lists for GraphQL and APIs ask for, where no other test shows it."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_introspection_query,
)

from headgate_server.domain.permissions import Scope
from tests.factories.people import Person
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient, serve
from tests.fixtures.browsers import PAGE, Browser
from tests.fixtures.installations import SCHEMA, Installation
from tests.fixtures.raw_http import tell
from tests.fixtures.sql import query

CORE: GraphQLSchema = SCHEMA._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way
RENAME = """mutation ($input: OrganizationUpdateInput!) {
  organizationUpdate(input: $input) { organization { slug } errors { code path } } }"""
NAME = "{ viewer { organizations { nodes { id name slug } } } }"


@pytest.fixture
async def anonymous(installation: Installation) -> ApiClient:
    return ApiClient(installation.app)


# Nobody learns anything without a credential.

PROBES = (
    "{ __typename }",
    get_introspection_query(),
    '{ __type(name: "Query") { fields { name } } }',
    "{ viewr { id } }",
    "{ viewer { usr } }",
    "{ nothingLikeThis }",
    "{ viewer(",
    "query { a: viewer { user { id } } b: viewer { user { id } } }",
    "mutation { flowRunCreate(input: {}) { errors { code } } }",
    "subscription { workspaceEvents { cursor } }",
    "query @skip(if: 1) { x }",
    "{ " + "a " * 30_000 + "}",
)


async def test_everything_is_answered_alike_to_the_anonymous(anonymous: ApiClient) -> None:
    answers = [await anonymous.post({"query": probe}) for probe in PROBES]

    assert {one.status for one in answers} == {401}
    assert len({one.body for one in answers}) == 1


async def test_no_suggestion_names_a_field(api: ApiClient) -> None:
    for probe in ("{ viewr { id } }", "{ viewer { usr } }", "{ viewer(ix: 1) { user { id } } }"):
        answer = await api.post({"query": probe})
        assert answer.code == "BAD_REQUEST"
        assert "did you mean" not in answer.body.decode().lower()
    values = await api.execute(
        "query ($s: [StateType!]) { __typename @skip(if: $s) }", s=["COMPLETE"]
    )
    assert "did you mean" not in values.body.decode().lower()


# Many guesses in one request.


@pytest.mark.parametrize("count", [1, 2, 100])
async def test_several_operations_in_one_body_are_none(api: ApiClient, count: int) -> None:
    answer = await api.post([{"query": "{ __typename }"}] * count)

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


async def test_sign_in_takes_one_guess_a_request(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)
    guess = {"email": person.email, "password": person.password}

    answers = [
        await browser.send("/auth/sign-in", body)
        for body in (
            [guess] * 10,
            {"email": [person.email], "password": person.password},
            {"email": person.email, "password": ["a", person.password]},
        )
    ]

    assert [one.status for one in answers] == [400] * 3
    assert browser.cookie is None


def test_api_takes_no_password_and_no_code() -> None:
    guessed = [
        f"{kind.name}.{name}"
        for kind in CORE.type_map.values()
        if isinstance(kind, GraphQLInputObjectType)
        for name in kind.fields
        if any(word in name.lower() for word in ("password", "otp", "totp", "recovery"))
    ]

    assert guessed == []


# What an input does not have.


async def test_field_that_an_input_does_not_have_changes_nothing(api: ApiClient) -> None:
    (found,) = (await api.execute(NAME)).data["viewer"]["organizations"]["nodes"]
    for planted in (
        {"isOperator": True},
        {"suspendedAt": None},
        {"createdAt": "2020-01-01T00:00:00Z"},
        {"organizationId": "org_00000000000000000000000000"},
        {"version": 7},
        {"__proto__": {"isOperator": True}},
    ):
        answer = await api.execute(RENAME, input={"id": found["id"], "name": "Changed"} | planted)
        assert answer.code == "BAD_REQUEST", planted
    (left,) = (await api.execute(NAME)).data["viewer"]["organizations"]["nodes"]
    assert left == found


def test_no_input_sets_what_the_server_sets() -> None:
    ours = {"createdAt", "updatedAt", "isOperator", "secretHash", "passwordHash", "suspendedAt"}
    found = [
        f"{kind.name}.{name}"
        for kind in CORE.type_map.values()
        if isinstance(kind, GraphQLInputObjectType) and "Filter" not in kind.name
        for name in kind.fields
        if name in ours
    ]

    assert found == []


def test_no_type_shows_what_only_the_server_knows() -> None:
    words = ("hash", "pepper", "totp", "ciphertext", "wrapped")
    shown = [
        f"{kind.name}.{name}"
        for kind in CORE.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name in kind.fields
        if any(word in name.lower() for word in words)
    ]

    assert shown == ["AuditEntry.hash"]


# Who calls, and how.


@pytest.fixture
async def address(installation: Installation) -> AsyncGenerator[str]:
    """A server that trusts no proxy on this machine."""
    async with serve(installation.app, forwarded_allow_ips="10.255.255.1") as address:
        yield address


async def test_address_of_a_caller_is_not_what_a_header_says(
    address: str, installation: Installation, person: Person, urls: Any
) -> None:
    body = json.dumps({"email": person.email, "password": person.password})
    fields = {
        **PAGE,
        "host": "headgate.test",
        "x-forwarded-for": "203.0.113.9",
        "x-real-ip": "203.0.113.9",
        "forwarded": "for=203.0.113.9",
        "content-length": str(len(body)),
        "connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    told = await tell(address, f"POST /auth/sign-in HTTP/1.1\r\n{head}\r\n{body}".encode())

    assert told.statuses == [200]
    assert await query(urls.system, "select host(ip::inet) from login_sessions") == "127.0.0.1"


@pytest.mark.parametrize(
    "body",
    [
        "query={__typename}",
        'operations={"query":"{__typename}"}',
        '{"query":"{ __typename }","extensions":{"persistedQuery":{"sha256Hash":"x"}}}',
        '{"id":"x"}',
    ],
)
async def test_other_ways_to_send_an_operation_are_not_there(api: ApiClient, body: str) -> None:
    answer = await api.post(body.encode())

    assert answer.status == 400 or answer.data == {"__typename": "Query"}


async def test_guest_is_told_which_scope_is_missing_and_nothing_else(
    installation: Installation, api: ApiClient, tenant: Tenant
) -> None:
    (found,) = (await api.execute(NAME)).data["viewer"]["organizations"]["nodes"]
    guest = await installation.client(tenant, scopes=[Scope.RUNS_READ])

    answer = await guest.execute(RENAME, input={"id": found["id"], "name": "Changed"})

    (error,) = answer.data["organizationUpdate"]["errors"]
    assert error["code"] == "FORBIDDEN"
    assert answer.data["organizationUpdate"]["organization"] is None
