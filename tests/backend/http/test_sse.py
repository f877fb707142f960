"""The endpoint over event streams, through the real server: protocol, limits, watch, and end."""

from collections.abc import AsyncGenerator

import pytest

from headgate_server.http.websocket import SocketTimers
from tests.backend.graphql.local_app import ALLOWED_ORIGIN, Doorkeeper, doorkeeper, local_app
from tests.backend.graphql.local_schema import STATE
from tests.fixtures.api import serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.events import open_events

pytestmark = pytest.mark.anyio

COUNT = "subscription { count(to: 2) { number } }"
SILENCE = "subscription { silence }"
SHORT = SocketTimers(ping_seconds=0.1, reauthenticate_seconds=0.1)
EXPIRED = {"message": "Token expired", "extensions": {"code": "UNAUTHENTICATED"}}
REVOKED = {"message": "Forbidden", "extensions": {"code": "UNAUTHENTICATED"}}


@pytest.fixture
def door() -> Doorkeeper:
    return doorkeeper()


@pytest.fixture
async def address(door: Doorkeeper) -> AsyncGenerator[str]:
    async with serve(local_app(door)) as address:
        yield address


@pytest.fixture
async def hurried(door: Doorkeeper) -> AsyncGenerator[str]:
    """A server whose timers are short."""
    async with serve(local_app(door, timers=SHORT)) as address:
        yield address


async def test_each_result_is_an_event_and_the_last_one_says_complete(address: str) -> None:
    async with open_events(address, COUNT) as events:
        found = await events.rest()
        headers = events.response.headers

    assert found == [
        ("next", {"data": {"count": {"number": 0}}}),
        ("next", {"data": {"count": {"number": 1}}}),
        ("complete", None),
    ]
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 32


async def test_a_query_is_answered_with_one_event(address: str) -> None:
    async with open_events(address, "{ tree { number } }") as events:
        assert await events.rest() == [
            ("next", {"data": {"tree": {"number": 0}}}),
            ("complete", None),
        ]


async def test_an_idle_stream_is_kept_alive_with_comments(hurried: str) -> None:
    async with open_events(hurried, SILENCE) as events:
        assert [await events.next() for _ in range(3)] == [("", None)] * 3


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        (None, {}, 401),
        ("nobody", {}, 401),
        ("owner", {"origin": "https://evil.test"}, 403),
        ("owner", {"content-type": "text/plain"}, 415),
    ],
)
async def test_what_no_request_may_do_no_stream_may(
    address: str, token: str | None, headers: dict[str, str], status: int
) -> None:
    async with open_events(address, COUNT, token=token, headers=headers) as events:
        assert events.response.status == status
        assert events.response.content_type == "application/json"


async def test_pages_of_allowed_origins_are_served(address: str) -> None:
    async with open_events(address, COUNT, headers={"origin": ALLOWED_ORIGIN}) as events:
        assert (await events.rest())[-1] == ("complete", None)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ nothing }", "BAD_REQUEST"),
        ("{", "BAD_REQUEST"),
        ("{ tree { number } }" + " " * 20_000, "LIMIT_EXCEEDED"),
        ("subscription { count(to: 1) {" + " number" * 100 + " } }", "LIMIT_EXCEEDED"),
    ],
)
async def test_a_refused_operation_says_why_and_completes(
    address: str, document: str, code: str
) -> None:
    async with open_events(address, document) as events:
        (_, answer), end = await events.rest()

    assert answer is not None
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert end == ("complete", None)


async def test_a_bug_is_masked(address: str) -> None:
    async with open_events(address, '{ fail(how: "bug") }') as events:
        (_, answer), _ = await events.rest()

    assert answer is not None
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(answer)


async def test_an_expired_token_ends_its_streams(address: str) -> None:
    async with open_events(address, SILENCE, token="ending") as events:
        assert await events.rest() == [
            ("next", {"data": None, "errors": [EXPIRED]}),
            ("complete", None),
        ]


async def test_a_revoked_token_ends_its_streams(hurried: str, door: Doorkeeper) -> None:
    async with open_events(hurried, SILENCE) as events:
        del door.callers["owner"]

        assert (await events.rest())[0] == ("next", {"data": None, "errors": [REVOKED]})


async def test_a_caller_that_goes_away_ends_its_operation(address: str) -> None:
    async with open_events(address, SILENCE):
        await eventually(lambda: STATE.waiting == 1, what="The subscription")

    await eventually(lambda: STATE.waiting == 0, what="The end of the subscription")
