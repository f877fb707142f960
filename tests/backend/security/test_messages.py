"""Messages of HTTP that two readers would cut in different places, or that never come to an end."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from headgate_server.http.slow_readers import HttpProtocol
from headgate_server.http.slow_senders import MAX_HEAD_BYTES
from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.fixtures.api import open_socket, serve
from tests.fixtures.raw_http import tell

HEAD = b"POST /graphql HTTP/1.1\r\nHost: headgate.test\r\n"
SMUGGLED = b"GET /healthz/live HTTP/1.1\r\nHost: headgate.test\r\n\r\n"


class Hurried(HttpProtocol):
    """Gives a request a tenth of a second, and its body another."""

    head_seconds = 0.1
    body_seconds = 0.1


@pytest.fixture
async def address() -> AsyncGenerator[str]:
    async with serve(local_app(doorkeeper())) as address:
        yield address


@pytest.fixture
async def hurried() -> AsyncGenerator[str]:
    async with serve(local_app(doorkeeper()), http=Hurried) as address:
        yield address


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n",
        b"Content-Length: 0, 60\r\n\r\n",
        b"Content-Length: +0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 0x0\r\n\r\n",
        b"Content-Length: 99999999999999999999999999\r\n\r\n",
        b"Content-Length : 0\r\n\r\n",
        b" Content-Length: 0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"No-Colon\r\n\r\n",
        b"Bad\x00Name: x\r\n\r\n",
        b"X: a\x00b\r\n\r\n",
        b"X: a\rb\r\n\r\n",
    ],
)
async def test_message_without_one_clear_end_is_refused_and_nothing_after_it_is_read(
    address: str, lines: bytes
) -> None:
    told = await tell(address, HEAD + lines + SMUGGLED)

    assert told.statuses == [400]
    assert told.is_closed


async def test_message_in_chunks_ends_where_it_says(address: str) -> None:
    body = b'{"query":"{ tree { number } }"}'
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    fields = b"Authorization: Bearer owner\r\nContent-Type: application/json\r\n"

    told = await tell(
        address,
        HEAD + fields + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    )

    assert told.statuses == [200, 200]


@pytest.mark.parametrize(
    "line",
    [
        b"TRACE / HTTP/1.1\r\n",
        b"TRACE /graphql HTTP/1.1\r\n",
        b"TRACK / HTTP/1.1\r\n",
        b"CONNECT 169.254.169.254:80 HTTP/1.1\r\n",
        b"GET http://169.254.169.254/latest HTTP/1.1\r\n",
        b"PROPFIND / HTTP/1.1\r\n",
        b"DEBUG / HTTP/1.1\r\n",
        b"get / HTTP/1.1\r\n",
        b"GET / HTTP/3.7\r\n",
        b"GET /\x00 HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
    ],
)
async def test_odd_methods_and_targets_do_nothing_and_echo_nothing(
    address: str, line: bytes
) -> None:
    told = await tell(address, line + b"Host: h\r\nX-Secret: canary\r\nConnection: close\r\n\r\n")

    assert len(told.statuses) == 1
    assert 400 <= told.statuses[0] < 500
    assert "canary" not in told.text
    assert told.is_closed


@pytest.mark.parametrize(
    "start",
    [
        b"GET /" + b"a" * MAX_HEAD_BYTES,
        HEAD + b"X: " + b"a" * MAX_HEAD_BYTES,
        HEAD + b"X: 1\r\n" * (MAX_HEAD_BYTES // 6),
        HEAD + b"a" * MAX_HEAD_BYTES,
        b"\r\n" * MAX_HEAD_BYTES,
    ],
    ids=["target", "value", "many", "name", "newlines"],
)
async def test_head_without_end_is_closed(address: str, start: bytes) -> None:
    told = await tell(address, start + b"a" * 10)

    assert told.statuses == [431]
    assert told.is_closed


async def test_trailers_without_end_are_closed(address: str) -> None:
    body = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"

    told = await tell(address, body, *[b"X: " + b"a" * 60_000 + b"\r\n"] * 4)

    assert told.is_closed


async def test_large_body_is_no_head(address: str) -> None:
    body = b'{"query":"{ tree { number } }","variables":{"x":"' + b"a" * 500_000 + b'"}}'
    fields = (
        b"Authorization: Bearer owner\r\nContent-Type: application/json\r\nConnection: close\r\n"
    )

    told = await tell(address, HEAD + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    assert told.statuses == [200]


@pytest.mark.parametrize("start", [b"\r\n", b"POST /gra", HEAD, HEAD + b"X: 1"])
async def test_request_that_does_not_begin_is_closed(hurried: str, start: bytes) -> None:
    told = await tell(hurried, start)

    assert told.statuses == [408]
    assert told.is_closed


@pytest.mark.parametrize("start", [b"POST /gra", HEAD])
async def test_second_request_that_does_not_begin_is_closed(hurried: str, start: bytes) -> None:
    told = await tell(hurried, SMUGGLED + start)

    assert told.statuses == [200, 408]
    assert told.is_closed


async def test_connection_that_says_nothing_is_told_nothing(hurried: str) -> None:
    told = await tell(hurried)

    assert (told.text, told.is_closed) == ("", True)


async def test_request_that_does_not_end_is_closed(hurried: str) -> None:
    fields = b"Authorization: Bearer owner\r\nContent-Type: application/json\r\n"

    told = await tell(hurried, HEAD + fields + b"Content-Length: 10\r\n\r\n{")

    assert told.is_closed


async def test_connection_that_is_kept_open_between_requests_stays(hurried: str) -> None:
    told = await tell(hurried, SMUGGLED, silence_seconds=0.5)

    assert told.statuses == [200]
    assert not told.is_closed


async def test_socket_and_its_silence_are_no_slow_request(hurried: str) -> None:
    async with open_socket(hurried, token="owner") as socket:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await socket.raw.recv()
        (answer, _) = await socket.run("{ tree { number } }")

    assert answer["payload"]["data"] == {"tree": {"number": 0}}
