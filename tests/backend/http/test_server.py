"""Where the server takes callers to be: at the end of the connection, unless a proxy is trusted."""

import pytest
from httpx2 import AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from headgate_server.http.attempts import network_of
from headgate_server.http.doors import browser_of
from headgate_server.http.origins import address_of
from headgate_server.http.server import serving
from tests.fixtures.network import free_port

SAID = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}


async def tell(request: Request) -> Response:
    assert request.client is not None
    return PlainTextResponse(f"{request.client.host} {request.url.scheme}")


@pytest.mark.parametrize(
    ("trusted", "told"),
    [
        ([], "127.0.0.1 http"),
        (["10.0.0.0/8"], "127.0.0.1 http"),
        (["127.0.0.1"], "203.0.113.9 https"),
    ],
)
async def test_nobody_says_where_a_caller_is_unless_trusted(
    trusted: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    port = free_port()
    app = Starlette(routes=[Route("/", tell)])

    async with (
        serving(app, host="127.0.0.1", port=port, trusted_proxies=trusted),
        AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        answer = await client.get("/", headers=SAID)

    assert answer.text == told


async def test_caller_of_ipv4_is_one_of_many_also_at_a_socket_of_both_kinds() -> None:
    async def say(request: Request) -> Response:
        return PlainTextResponse(f"{address_of(request)} {network_of(browser_of(request).ip)}")

    port = free_port()
    async with (
        serving(Starlette(routes=[Route("/", say)]), host="::", port=port),
        AsyncClient(base_url=f"http://127.0.0.1:{port}") as four,
        AsyncClient(base_url=f"http://[::1]:{port}") as six,
    ):
        told = [(await client.get("/")).text for client in (four, six)]

    assert told == ["127.0.0.1 127.0.0.1", "::1 ::/64"]


async def test_proxy_of_ipv4_is_trusted_also_at_a_socket_of_both_kinds() -> None:
    port = free_port()
    app = Starlette(routes=[Route("/", tell)])
    async with (
        serving(app, host="::", port=port, trusted_proxies=["127.0.0.0/8"]),
        AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        answer = await client.get("/", headers=SAID)

    assert answer.text == "203.0.113.9 https"
