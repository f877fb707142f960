"""Introspection: answered to those who may ask, paid for, and nobody waits for it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import pytest
from graphql import (
    get_introspection_query,
    graphql_sync,  # pyright: ignore[reportUnknownVariableType]  # untyped upstream
)

from headgate_server.bus.buckets import Buckets
from headgate_server.graphql.limits import rules
from headgate_server.graphql.limits.extension import parse_cached
from headgate_server.graphql.limits.introspection import KEPT_ANSWERS, Answers, Asked
from headgate_server.graphql.limits.rates import Meter
from headgate_server.graphql.limits.walk import measure
from headgate_server.settings import Rates
from tests.backend.graphql.local_app import backend, doorkeeper, local_app
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.events import open_events
from tests.fixtures.installations import SCHEMA

pytestmark = pytest.mark.anyio

CORE = SCHEMA._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way
STANDARD = get_introspection_query(descriptions=True, input_value_deprecation=True)
HOSTILE_SECONDS = 0.05
TYPE = '__type(name: "Query") { fields { name args { name type { name kind ofType { name } } } } }'
HOSTILE = {
    "standard": STANDARD,
    "many types": "{" + " ".join(f"a{number}: {TYPE}" for number in range(29)) + "}",
    "types of fields": "{ __schema { types { fields { args { type { fields { name } } } } } } }",
    "types of types": "{ __schema { types { possibleTypes { fields { type { name } } } } } }",
}
LARGEST = "query ($n: String!) { " + "".join(
    f"a{number}: __type(name: $n) {{ fields {{ args {{ type {{ fields {{ name }} }} }} }} }} "
    for number in range(30)
) + "}"  # fmt: skip


def client() -> ApiClient:
    return ApiClient(local_app(doorkeeper(), schema=SCHEMA), token="owner")


@pytest.fixture
def api() -> ApiClient:
    return client()


def cost_of(document: str) -> int:
    (found,) = measure(CORE, parse_cached(document))
    return found.cost


async def test_standard_document_is_answered_as_the_schema_would(api: ApiClient) -> None:
    answer = await api.execute(STANDARD)

    assert answer.data == graphql_sync(CORE, STANDARD).data


async def test_introspection_is_refused_to_the_anonymous() -> None:
    anonymous = ApiClient(local_app(doorkeeper(), schema=SCHEMA))

    answer = await anonymous.execute("{ __schema { queryType { name } } }")

    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("name", HOSTILE)
async def test_introspection_does_not_hold_the_loop(name: str) -> None:
    took: list[float] = []
    for attempt in range(3):
        api = client()  # which has its points again
        await api.execute("{ __typename }")
        document = HOSTILE[name].replace("{", f"{{ b{attempt}: __typename ", 1)
        started = time.thread_time()
        answer = await api.execute(document)
        took.append(time.thread_time() - started)
        assert answer.data[f"b{attempt}"] == "Query"

    assert min(took) < HOSTILE_SECONDS


@pytest.mark.parametrize(
    ("document", "values"),
    [
        (STANDARD, 34_437),
        ("{ __schema { types { fields { type { name } } } } }", 4_862),
        (f"{{ {TYPE} }}", 100),
    ],
)
def test_cost_of_introspection_is_in_proportion_to_its_answer(document: str, values: int) -> None:
    answer = graphql_sync(CORE, document).data
    actual = count_values(answer)
    assert actual >= values * 0.9  # of the schema as it was

    assert 0.5 < cost_of(document) * 25 / actual < 2


def count_values(value: object) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(map(count_values, cast("Mapping[str, object]", value).values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(map(count_values, cast("Sequence[object]", value)))
    return 1


async def test_introspection_beyond_the_cost_limit_is_refused(api: ApiClient) -> None:
    answer = await api.execute(LARGEST, n="Mutation")

    assert answer.error["extensions"]["rule"] == "cost"
    assert answer.error["extensions"]["actual"] > rules.MAX_COST


async def test_introspection_beside_other_fields_is_small(api: ApiClient) -> None:
    beside = "{ viewer { scopes } __schema { types { name %s } } }"
    large = await api.execute(beside % "fields { name type { name } }")
    extensions = large.error["extensions"]

    assert (extensions["code"], extensions["rule"]) == ("LIMIT_EXCEEDED", "introspection")
    assert extensions["limit"] == 100 < extensions["actual"]
    assert "in an operation of its own" in large.error["message"]
    assert cost_of(beside % "") < 100


async def test_answer_that_is_at_hand_costs_a_point() -> None:
    def ask(name: str, comment: str) -> str:
        return f"query {name} {{ __schema {{ types {{ name }} }} }} # {comment}"

    cost = cost_of(ask("A", ""))
    rates = Rates(user=1, organization=0, burst_seconds=2 * cost - 5)
    behind = replace(backend(), meter=Meter(Buckets(), rates))
    app = local_app(doorkeeper(), behind=behind, schema=SCHEMA)
    api = ApiClient(app, token="owner")

    assert cost > 30
    first = await api.execute(ask("A", "once"))
    second = await api.execute(ask("A", "and again"))
    other = await api.execute(ask("B", ""))

    assert first.data == second.data
    assert other.code == "RATE_LIMITED", "less than it costs is left"


async def test_few_answers_are_kept_and_the_latest_stay(api: ApiClient) -> None:
    kept = Answers()
    asked = [
        Asked(CORE, parse_cached(f"{{ a{number}: __schema {{ queryType {{ name }} }} }}"), None)
        for number in range(KEPT_ANSWERS + 1)
    ]

    for one in asked:
        await kept.answer(one, variables={})

    assert [kept.has(one) for one in asked] == [False] + [True] * KEPT_ANSWERS


async def test_answer_that_depends_on_variables_is_made_each_time(api: ApiClient) -> None:
    document = "query ($name: String!) { __type(name: $name) { name } }"

    names = [
        (await api.execute(document, name=name)).data["__type"]["name"]
        for name in ("Query", "Mutation")
    ]

    assert names == ["Query", "Mutation"]


async def test_sockets_and_event_streams_are_answered_alike() -> None:
    document = "{ __schema { queryType { name } } }"
    expected = {"data": {"__schema": {"queryType": {"name": "Query"}}}}

    async with serve(local_app(doorkeeper(), schema=SCHEMA)) as address:
        async with open_events(address, document) as events:
            (_, streamed), _ = await events.rest()
        async with open_socket(address, token="owner") as socket:
            first, end = await socket.run(document)

    assert streamed == expected
    assert first == {"type": "next", "payload": expected}
    assert end == {"type": "complete"}


async def test_error_within_introspection_is_told(api: ApiClient) -> None:
    answer = await api.execute("query ($name: String!) { __type(name: $name) { name } }")

    assert answer.code == "BAD_REQUEST"
    assert "$name" in answer.error["message"]
