"""How values look on the wire, there and back."""

import pytest

from headgate_server.graphql.scalars import parse_key
from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.fixtures.api import ApiClient

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> ApiClient:
    return ApiClient(local_app(doorkeeper()), token="owner")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-11-23T02:00:00Z", "2026-11-23T02:00:00.000000Z"),
        ("2026-11-23T02:00:00.123456+05:30", "2026-11-22T20:30:00.123456Z"),
    ],
)
async def test_time_is_shown_in_utc_with_microseconds(
    api: ApiClient, sent: str, shown: str
) -> None:
    answer = await api.execute("query ($at: DateTime!) { at(at: $at) }", at=sent)

    assert answer.data == {"at": shown}


@pytest.mark.parametrize(
    "sent",
    [
        "2026-11-23T02:00:00",
        "yesterday",
        5,
        None,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
async def test_time_without_an_offset_or_beyond_the_calendar_is_refused(
    api: ApiClient, sent: object
) -> None:
    answer = await api.execute("query ($at: DateTime!) { at(at: $at) }", at=sent)

    assert answer.code == "BAD_REQUEST"


@pytest.mark.parametrize("sent", ["PT15S", "PT0.5S", "P1D", "P0D"])
async def test_duration_comes_back_as_it_was_sent(api: ApiClient, sent: str) -> None:
    answer = await api.execute("query ($lasts: Duration!) { lasts(lasts: $lasts) }", lasts=sent)

    assert answer.data == {"lasts": sent}


@pytest.mark.parametrize("sent", ["15", "-PT1S", "P1M", 15])
async def test_other_durations_are_refused(api: ApiClient, sent: object) -> None:
    answer = await api.execute("query ($lasts: Duration!) { lasts(lasts: $lasts) }", lasts=sent)

    assert answer.code == "BAD_REQUEST"
    assert "A Duration is an ISO 8601 string" in answer.error["message"]


async def test_json_is_taken_as_it_is_in_variables_and_in_documents(api: ApiClient) -> None:
    document = """query ($what: JSON!) { echo(at: "2026-01-01T00:00:00Z", lasts: "PT2S",
      key: "a-key", what: $what) other: echo(at: "2026-01-01T00:00:00Z", lasts: "PT2S",
      key: "a-key", what: {a: [1, 2.5, null, true, "x"]}) }"""

    answer = await api.execute(document, what={"b": [None, {"c": "é"}]})

    at = "2026-01-01T00:00:00+00:00"
    assert answer.data["echo"] == [at, 2.0, {"b": [None, {"c": "é"}]}, "a-key"]
    assert answer.data["other"][2] == {"a": [1, 2.5, None, True, "x"]}


@pytest.mark.parametrize("what", ["1e400", "[1, {a: -1e999}]", str(2**64)])
async def test_number_that_json_readers_would_round_is_refused(api: ApiClient, what: str) -> None:
    answer = await api.execute(
        f'{{ echo(at: "2026-01-01T00:00:00Z", lasts: "PT2S", key: "k", what: {what}) }}'
    )

    assert answer.code == "BAD_REQUEST"
    assert "is beyond a double" in answer.error["message"]


@pytest.mark.parametrize("name", ["a", "a.b-c_9", "x" * 100])
def test_key_of_safe_characters_is_taken(name: str) -> None:
    assert parse_key(name) == name


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a b", "x" * 101, "é"])
async def test_other_keys_are_refused(api: ApiClient, name: str) -> None:
    answer = await api.execute(
        'query ($key: Key!) { echo(at: "2026-01-01T00:00:00Z", lasts: "PT2S", key: $key, '
        "what: 1) }",
        key=name,
    )

    assert answer.code == "BAD_REQUEST"
