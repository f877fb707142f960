"""What an operation may be: each limit at its edge, and hostile documents in no time."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from headgate_server.graphql.limits import rules
from headgate_server.graphql.limits.extension import check_cached, parse_cached
from headgate_server.graphql.limits.walk import measure
from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.backend.graphql.local_schema import SCHEMA
from tests.fixtures.api import Answer, ApiClient, open_socket, serve
from tests.fixtures.events import open_events
from tests.fixtures.installations import SCHEMA as INSTALLED

pytestmark = pytest.mark.anyio

CORE = SCHEMA._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way
HOSTILE_SECONDS = 0.05


@pytest.fixture
def api() -> ApiClient:
    return ApiClient(local_app(doorkeeper()), token="owner")


def nested(levels: int) -> str:
    """Return a document of so many levels of fields."""
    return "{ tree " + "{ next " * (levels - 2) + "{ number }" + " }" * (levels - 1)


def assert_refused(answer: Answer, rule: str, *, limit: int, actual: int | None = None) -> None:
    extensions = answer.error["extensions"]
    assert (extensions["code"], extensions["rule"]) == ("LIMIT_EXCEEDED", rule)
    assert extensions["limit"] == limit
    assert f"The limit is {limit:,} (rule: {rule})." in answer.error["message"]
    if actual is not None:
        assert extensions["actual"] == actual


async def test_depth_up_to_the_limit_is_answered(api: ApiClient) -> None:
    answer = await api.execute(nested(12))

    assert "tree" in answer.data


async def test_depth_beyond_the_limit_is_refused(api: ApiClient) -> None:
    assert_refused(await api.execute(nested(13)), "depth", limit=12, actual=13)


async def test_depth_counts_through_fragments(api: ApiClient) -> None:
    document = (
        "{ tree { ...A } } fragment A on Tree { next { next { next { next { next { ...B } } } } } }"
        "fragment B on Tree { next { next { next { next { next { next { number } } } } } } }"
    )

    assert_refused(await api.execute(document), "depth", limit=12, actual=13)


async def test_thirty_aliases_are_answered_and_one_more_is_refused(api: ApiClient) -> None:
    def document(count: int) -> str:
        return "{" + " ".join(f"a{number}: tree {{ number }}" for number in range(count)) + "}"

    assert len((await api.execute(document(30))).data) == 30
    assert_refused(await api.execute(document(31)), "aliases", limit=30, actual=31)


async def test_repeated_fields_count_as_aliases(api: ApiClient) -> None:
    document = "{ tree {" + " number" * 900 + " } }"

    assert_refused(await api.execute(document), "aliases", limit=30, actual=899)


async def test_four_mutations_are_answered_and_a_fifth_is_refused(api: ApiClient) -> None:
    def document(count: int) -> str:
        plants = " ".join(f"a{number}: plant {{ errors {{ code }} }}" for number in range(count))
        return f"mutation {{ {plants} }}"

    assert len((await api.execute(document(4))).data) == 4
    assert_refused(await api.execute(document(5)), "root mutations", limit=4, actual=5)


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("{ tree { number } }", {}, 1),
        ("{ trees { nodes { number } } }", {}, 51),
        ("{ trees(first: 3) { edges { node { number } } pageInfo { endCursor } } }", {}, 4),
        ("{ trees(first: 3) { nodes { next { number } } totalCount { value } } }", {}, 7),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", {"n": 7}, 8),
        ("query ($n: Int = 5) { trees(first: $n) { nodes { number } } }", {}, 6),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", {}, 51),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", None, 101),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", {"n": 100.0}, 101),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", {"n": 7.0}, 8),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", {"n": 7.5}, 101),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", {"n": "7"}, 101),
        ("query ($n: Int) { trees(first: $n) { nodes { number } } }", {"n": True}, 101),
        ("mutation { plant { tree { number } } }", {}, 11),
        ("mutation { plant { errors { code } } }", {}, 20),
        ("{ ...F } fragment F on Query { trees(first: 2) { nodes { number } } }", {}, 3),
        ("{ dear { number } }", {}, 4000),
        ("{ __schema { queryType { name } } }", {}, 1),
        ("{ __typename }", {}, 0),
    ],
)
def test_cost_of_a_document(document: str, variables: Mapping[str, Any] | None, cost: int) -> None:
    (found,) = measure(CORE, parse_cached(document), variables=variables)

    assert found.cost == cost


async def test_cost_depends_on_the_variables_that_are_sent(api: ApiClient) -> None:
    document = (
        "query ($n: Int) { trees(first: $n) { nodes { neighbours(first: $n) "
        "{ nodes { number } } } } }"
    )

    cheap = await api.execute(document, n=10)
    dear = await api.execute(document, n=100)

    assert len(cheap.data["trees"]["nodes"]) == 10
    assert_refused(dear, "cost", limit=5_000, actual=1 + 100 * (1 + 1 + 100))


async def test_four_directives_in_one_place_are_taken_and_a_fifth_is_refused(
    api: ApiClient,
) -> None:
    def document(count: int) -> str:
        return "{ tree { number " + "@skip(if: false) " * count + "} }"

    assert (await api.execute(document(1))).data["tree"] == {"number": 0}
    several = (await api.execute(document(4))).json["errors"]
    assert {error["extensions"]["code"] for error in several} == {"BAD_REQUEST"}
    assert_refused(await api.execute(document(5)), "directives", limit=4, actual=5)


async def test_document_of_too_many_tokens_is_refused(api: ApiClient) -> None:
    document = "query (" + "$a:Int " * 700 + ") { tree { number } }"

    answer = await api.execute(document)

    assert_refused(answer, "tokens", limit=2_000)


async def test_document_beyond_20_kb_is_refused_before_it_is_parsed(api: ApiClient) -> None:
    parse_cached.cache_clear()

    answer = await api.execute("{ tree { number } }" + " " * 20_000)

    assert_refused(answer, "document", limit=20_000, actual=20_019)
    assert parse_cached.cache_info().misses == 0


def fragment_bomb(fragments: int) -> str:
    """Return fragments that each spread the next one twice: 2^n fields if walked naively."""
    links = "".join(
        f"fragment F{number} on Tree {{ a: next {{ ...F{number + 1} }} b: next {{ "
        f"...F{number + 1} }} }}"
        for number in range(fragments)
    )
    return f"{{ tree {{ ...F0 }} }} {links} fragment F{fragments} on Tree {{ number }}"


def flat_bomb(fragments: int) -> str:
    """Return fragments that spread the next one twice without nesting any field."""
    links = "".join(
        f"fragment F{number} on Tree {{ ...F{number + 1} ... {{ ...F{number + 1} }} }}"
        for number in range(fragments)
    )
    return f"{{ tree {{ ...F0 }} }} {links} fragment F{fragments} on Tree {{ a: number }}"


HOSTILE = {
    "nested fragments": fragment_bomb(59),
    "flat fragments": flat_bomb(59),
    "repeated fields": "{ tree {" + " number" * 1_900 + " } }",
    "deep fields": "{ tree " + "{ next " * 600 + "}" * 601,
    "deep values": "{ echo(what: " + "[" * 900 + "]" * 900 + ") }",
    "circles": "{ tree { ...A } } fragment A on Tree { next { ...B } } "
    "fragment B on Tree { next { ...A } }",
    "many conflicts": "{"
    + " ".join(f"...G{n}" for n in range(130))
    + "}"
    + " ".join(f"fragment G{n} on Query {{ x: tree {{ number }} }}" for n in range(130)),
    "repeated directives": "{ tree { number " + "@skip(if: false) " * 300 + "} }",
    "directives of the operation": "query " + "@x " * 900 + "{ tree { number } }",
    "directives of a fragment": "{ ...A } fragment A on Query "
    + "@x " * 900
    + "{ tree { number } }",
    "wide types": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } "
    "} }",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_document_is_rejected_at_once(api: ApiClient, name: str) -> None:
    await api.execute("{ tree { number } }")

    took: list[float] = []
    for attempt in range(3):
        check_cached.cache_clear()  # it knows a document by what it says, not by its text
        started = time.thread_time()
        answer = await api.execute(f"{HOSTILE[name]} # {attempt}")
        took.append(time.thread_time() - started)
        assert answer.code in {"LIMIT_EXCEEDED", "BAD_REQUEST"}
        assert answer.json.get("data") is None

    assert min(took) < HOSTILE_SECONDS


def names(written: str, *, most: int, alphabet: str = "etaoinsrhl") -> str:
    """Return so many names that no schema has, each written once."""
    letters = ("".join(alphabet[int(digit)] for digit in f"{n:03}") for n in range(most))
    return "".join(written.format(f"{n[::-1]}{n}tiorele{n}") for n in letters)


UNKNOWN_NAMES = {
    "types": "{" + names("...on R{}{{a}}", most=76) + "}",
    "types of variables": "query (" + names("${0}:R{0} ", most=50) + ") { viewer { __typename } }",
    "fields": "{" + names("{} ", most=100) + "}",
    "fields of inputs": "mutation { flowRunCreate(input: {"
    + names("{}:1 ", most=100)
    + "}) { __typename } }",
}


@pytest.mark.parametrize("what", UNKNOWN_NAMES)
def test_names_that_the_schema_lacks_are_refused_at_once(what: str) -> None:
    schema = INSTALLED._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way

    took: list[float] = []
    for _ in range(3):
        check_cached.cache_clear()
        started = time.thread_time()
        checked = check_cached(schema, parse_cached(UNKNOWN_NAMES[what]))
        took.append(time.thread_time() - started)
        assert checked.errors

    assert min(took) < HOSTILE_SECONDS
    assert len(UNKNOWN_NAMES[what]) < 2_000


FIND = "query ($f: TreeFilter) { find(filter: $f) }"
HOSTILE_BODIES: dict[str, dict[str, Any]] = {
    "many filters": {"query": FIND, "variables": {"f": {"and": [{"names": ["x"]}] * 20_000}}},
    "many names": {"query": FIND, "variables": {"f": {"names": ["x"] * 200_000}}},
    "unknown fields": {
        "query": FIND,
        "variables": {"f": {f"names{number}": 1 for number in range(60_000)}},
    },
    "many uses": {
        "query": "query ($f: TreeFilter!) { find(filter: {and: [" + "$f " * 900 + "]}) }",
        "variables": {"f": {"names": ["x"] * 1_900}},
    },
    "uses after comments": {
        "query": "query ($f: TreeFilter!) { find(filter: {and: [" + "$#\nf " * 500 + "]}) }",
        "variables": {"f": {"names": ["x"] * 1_900}},
    },
    "many numbers": {
        "query": "mutation ($n: [Int!]!) { flowRunCreateBatch(numbers: $n) { errors { code } } }",
        "variables": {"n": [1] * 300_000},
    },
}


@pytest.mark.parametrize("name", HOSTILE_BODIES)
async def test_hostile_variables_are_refused_at_once(api: ApiClient, name: str) -> None:
    await api.execute("{ tree { number } }")
    body = json.dumps(HOSTILE_BODIES[name]).encode()

    took: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        answer = await api.post(body)
        took.append(time.thread_time() - started)
        limit = rules.MAX_BULK_VALUES if name == "many numbers" else rules.MAX_VALUES
        assert_refused(answer, "variables", limit=limit)
        assert "send fewer at once" in answer.error["message"]

    assert min(took) < HOSTILE_SECONDS


async def test_body_of_nothing_but_newlines_is_refused_at_once(api: ApiClient) -> None:
    body = json.dumps({"query": "\n" * 2_000_000}).encode()

    took: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        answer = await api.post(body)
        took.append(time.thread_time() - started)
        assert (answer.status, answer.code) == (413, "LIMIT_EXCEEDED")

    assert min(took) < HOSTILE_SECONDS


@pytest.mark.parametrize(
    ("variables", "is_within"),
    [
        ({"names": ["x"] * 1_998}, True),
        ({"names": ["x"] * 1_999}, False),
        ({"and": [{"names": ["x"]}] * 666}, True),
        ({"and": [{"names": ["x"]}] * 667}, False),
        ({"like": [{"a": [1, 2]}] * 3_000}, True),
        ({"and": {"names": ["x"] * 1_999}}, False),
    ],
)
async def test_values_of_variables_up_to_the_limit_are_taken(
    api: ApiClient, variables: dict[str, Any], *, is_within: bool
) -> None:
    answer = await api.execute(FIND, f=variables)

    if is_within:
        assert answer.data["find"] == len(variables.get("names") or variables.get("and") or ())
    else:
        assert_refused(answer, "variables", limit=2_000)


async def test_a_value_counts_wherever_it_is_used(api: ApiClient) -> None:
    def document(uses: int) -> str:
        fields = " ".join(f"a{number}: find(filter: $f)" for number in range(uses))
        return f"query ($f: TreeFilter) {{ {fields} }}"

    names = {"names": ["x"] * 398}

    assert len((await api.execute(document(5), f=names)).data) == 5
    assert_refused(await api.execute(document(6), f=names), "variables", limit=2_000)


async def test_what_takes_much_at_once_takes_more_values(api: ApiClient) -> None:
    document = "mutation ($n: [Int!]!) { flowRunCreateBatch(numbers: $n) { tree { number } } }"

    answer = await api.execute(document, n=[1] * 19_999)

    assert answer.data["flowRunCreateBatch"]["tree"]["number"] == 19_999
    assert_refused(await api.execute(document, n=[1] * 20_000), "variables", limit=20_000)


async def test_variables_are_refused_on_sockets_and_event_streams_alike() -> None:
    app = local_app(doorkeeper())
    hostile = {"and": [{"names": ["x"]}] * 2_000}

    async with serve(app) as address:
        async with open_events(address, FIND, f=hostile) as events:
            (_, streamed), _ = await events.rest()
        async with open_socket(address, token="owner") as socket:
            (message,) = await socket.run(FIND, f=hostile)

    assert streamed is not None
    assert streamed["errors"][0]["extensions"]["rule"] == "variables"
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["rule"] == "variables"


async def test_second_run_of_a_document_hits_both_caches(api: ApiClient) -> None:
    parse_cached.cache_clear()
    check_cached.cache_clear()
    document = "query ($n: Int) { trees(first: $n) { nodes { number } } }"

    for size in range(1, 6):
        assert len((await api.execute(document, n=size)).data["trees"]["nodes"]) == size

    assert parse_cached.cache_info()[:2] == (4, 1)
    assert check_cached.cache_info()[:2] == (4, 1)
    assert parse_cached.cache_info().maxsize == check_cached.cache_info().maxsize == 500


async def test_errors_of_a_cached_document_are_fresh_each_time(api: ApiClient) -> None:
    first = await api.execute("{ nothing }")
    second = await api.execute("{ nothing }")

    assert first.json == second.json


async def test_operation_is_stopped_at_its_time_limit(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "OPERATION_TIMEOUT_SECONDS", 0.05)

    answer = await api.execute("{ wait }")

    assert (answer.status, answer.code) == (504, "TIMEOUT")
    assert rules.LONG_POLL_TIMEOUT_SECONDS > 25
