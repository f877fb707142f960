"""A provider that hangs: those who wait for it share one answer."""

import asyncio
import logging

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate_server.domain.identities import Provider
from headgate_server.http.oidc import OidcClient, ProviderAway
from headgate_server.outgoing.guards import Guard
from tests.fixtures.api import serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.forging_issuer import CLIENT_ID


async def test_who_waits_for_a_provider_that_hangs_shares_one_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, is_over = list[str](), asyncio.Event()

    async def hang(request: Request) -> Response:
        asked.append(request.url.path)
        await is_over.wait()
        return Response(status_code=503)

    async with serve(Starlette(routes=[Route("/{path:path}", hang)])) as address:
        issuer = f"http://{address}"
        provider = Provider("okta", "Okta", issuer, CLIENT_ID)
        client = OidcClient(provider, redirect_uri="https://headgate.test/", guard=Guard())
        waiting = [asyncio.create_task(client.begin()) for _ in range(25)]
        await eventually(lambda: bool(asked), what="discovery")
        waiting.pop(0).cancel()
        is_over.set()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(ProviderAway):
            await client.begin()

    assert [type(one) for one in ended] == [ProviderAway] * 24
    assert len(asked) == 2
    away = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert len(away) == 2
