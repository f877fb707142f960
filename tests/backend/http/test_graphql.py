"""The endpoint over HTTP: what it takes, and how it refuses everything else."""

import json

import pytest

from headgate.api.documents import document
from headgate_server.graphql.limits import rules
from headgate_server.graphql.limits.extension import is_report
from tests.backend.graphql.local_app import ALLOWED_ORIGIN, Doorkeeper, doorkeeper, local_app
from tests.fixtures.api import ApiClient

pytestmark = pytest.mark.anyio

TREE = {"query": "{ tree { number } }"}


@pytest.fixture
def door() -> Doorkeeper:
    return doorkeeper()


@pytest.fixture
def api(door: Doorkeeper) -> ApiClient:
    return ApiClient(local_app(door), token="owner")


async def test_operation_is_answered_as_json(api: ApiClient) -> None:
    answer = await api.post(TREE)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == b'{"data":{"tree":{"number":0}}}'


@pytest.mark.parametrize("token", [None, "nobody", "x" * 600, "é"])
async def test_bad_token_is_401_with_a_graphql_error(door: Doorkeeper, token: str | None) -> None:
    answer = await ApiClient(local_app(door), token=token).post(TREE)

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json == {
        "errors": [
            {
                "message": "The credential is missing, unknown, expired or revoked; "
                "send a valid Bearer token.",
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ]
    }


async def test_integer_beyond_64_bits_is_refused(api: ApiClient) -> None:
    document = """query ($what: JSON!) {
      echo(at: "2026-01-01T00:00:00Z", lasts: "PT2S", key: "k", what: $what) }"""
    body = f'{{"query": {json.dumps(document)}, "variables": {{"what": [{2**64}]}}}}'

    answer = await api.post(body.encode())

    assert answer.status == 400
    assert "beyond 64 bits; send it as a string" in answer.json["errors"][0]["message"]


async def test_other_schemes_than_bearer_are_401(door: Doorkeeper) -> None:
    anonymous = ApiClient(local_app(door))

    answer = await anonymous.post(TREE, authorization="Basic b3duZXI6")

    assert answer.status == 401


async def test_unreachable_database_at_authentication_is_503(
    api: ApiClient, door: Doorkeeper
) -> None:
    door.is_down = True

    answer = await api.post(TREE)

    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert len(answer.error["extensions"]["errorId"]) == 32


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_is_taken(api: ApiClient, method: str) -> None:
    answer = await api.request(method, headers={"accept": "text/html"})

    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""],
)
async def test_only_json_is_taken(api: ApiClient, content_type: str) -> None:
    answer = await api.request(
        "POST", json.dumps(TREE).encode(), headers={"content-type": content_type}
    )

    assert answer.status == 415


async def test_json_with_a_charset_is_taken(api: ApiClient) -> None:
    answer = await api.request(
        "POST",
        json.dumps(TREE).encode(),
        headers={"content-type": "application/json; charset=utf-8"},
    )

    assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"query":"\xff"}',
        b"[]",
        [TREE],
        {"query": 1},
        {"query": ""},
        {"variables": {}},
        {**TREE, "variables": []},
        {**TREE, "operationName": 1},
    ],
)
async def test_malformed_body_is_a_bad_request(api: ApiClient, body: object) -> None:
    answer = await api.post(body)

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


async def test_unknown_operation_name_is_a_bad_request(api: ApiClient) -> None:
    answer = await api.post({**TREE, "operationName": "Missing"})

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


async def test_several_operations_need_a_name(api: ApiClient) -> None:
    answer = await api.post({"query": "query A { tree { number } } query B { tree { number } }"})

    assert answer.json["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "name one" in answer.json["errors"][0]["message"]


async def test_subscription_over_post_is_a_bad_request(api: ApiClient) -> None:
    answer = await api.post({"query": "subscription { count(to: 1) { number } }"})

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


REPORT = "mutation ($b: JSON!) { logsAppend(batch: $b) { tree { number } errors { code } } }"
OTHER = "query ($b: JSON!) { tree { number } echo(what: $b, key: a) }"


async def test_body_of_a_report_may_be_larger_than_others(api: ApiClient) -> None:
    batch = "x" * (rules.MAX_BODY_BYTES + 1)

    report = await api.execute(REPORT, b=batch)
    other = await api.execute(OTHER, b=batch)

    assert report.data["logsAppend"]["tree"] == {"number": len(batch)}
    assert (other.status, other.code) == (413, "LIMIT_EXCEEDED")
    assert "1,048,576 bytes" in other.error["message"]


@pytest.mark.parametrize(
    ("noun", "operation"),
    [
        ("logs", "LogsAppend"),
        ("task_runs", "TaskRunSync"),
        ("artifacts", "ArtifactCreate"),
        ("artifacts", "ArtifactUpdate"),
    ],
)
def test_what_the_client_sends_in_bulk_is_a_report(noun: str, operation: str) -> None:
    assert is_report(document(noun, operation))


def test_a_fragment_makes_nothing_else_a_report() -> None:
    hidden = "mutation { ...Both } fragment Both on Mutation { logsAppend plant }"

    assert not is_report(hidden)
    assert not is_report("fragment Alone on Mutation { logsAppend }")


async def test_report_beside_something_else_is_no_report(api: ApiClient) -> None:
    document = (
        "mutation ($b: JSON!) { logsAppend(batch: $b) { errors { code } } "
        "plant { errors { code } } }"
    )

    answer = await api.execute(document, b="x" * (rules.MAX_BODY_BYTES + 1))

    assert answer.status == 413


async def test_body_beyond_4_mib_is_not_read_to_its_end(api: ApiClient) -> None:
    answer = await api.execute(REPORT, b="x" * (rules.MAX_REPORT_BODY_BYTES + 1))

    assert (answer.status, answer.code) == (413, "LIMIT_EXCEEDED")
    assert "4,194,304 bytes" in answer.error["message"]


@pytest.mark.parametrize("origin", [ALLOWED_ORIGIN, "http://headgate.test"])
async def test_pages_of_this_host_and_of_allowed_origins_are_answered(
    api: ApiClient, origin: str
) -> None:
    assert (await api.post(TREE, origin=origin)).status == 200


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://headgate.test.evil.test"])
async def test_pages_of_other_origins_are_refused(api: ApiClient, origin: str) -> None:
    answer = await api.post(TREE, origin=origin)

    assert (answer.status, answer.code) == (403, "FORBIDDEN")


async def test_request_id_comes_back_or_is_made(api: ApiClient) -> None:
    mine = await api.post(TREE, x_request_id="abc-123")
    unfit = await api.post(TREE, x_request_id="a b\t")
    none = await api.post(TREE)

    assert mine.headers["x-request-id"] == "abc-123"
    assert len(unfit.headers["x-request-id"]) == len(none.headers["x-request-id"]) == 32


@pytest.mark.parametrize("probe", ["live", "ready", "startup"])
async def test_health_answers_without_a_token(door: Doorkeeper, probe: str) -> None:
    answer = await ApiClient(local_app(door), path=f"/healthz/{probe}").request("GET")

    assert (answer.status, answer.json) == (200, {"status": "ok", "reasons": []})
