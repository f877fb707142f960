"""The first moments of an API after an outage: nothing is judged before its time is given back."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest
from httpx2 import AsyncClient

from tests.fixtures.installation import Installation
from tests.fixtures.journeys import Journey
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

ASK_SECONDS = 20
PUT = """mutation($input: ConcurrencyLimitUpsertInput!) {
  concurrencyLimitUpsert(input: $input) { errors { message } }
}"""
ACQUIRE = """mutation($input: ConcurrencyAcquireInput!) {
  concurrencyAcquire(input: $input) { acquired errors { message } }
}"""


class Caller:
    """Asks the API as any key may, once: what it is refused it does not try again."""

    def __init__(self, site: Installation, workspace_id: str) -> None:
        self.site = site
        self.workspace_id = workspace_id

    async def send(self, document: str, **given: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.site.api_key}"}
        sent = {"input": {"workspaceId": self.workspace_id, **given}}
        async with AsyncClient(base_url=self.site.url, headers=headers) as client:
            answer = await client.post(
                "/graphql", json={"query": document, "variables": sent}, timeout=ASK_SECONDS
            )
        return answer.json()

    async def acquire(self, key: str) -> dict[str, Any]:
        return await self.send(ACQUIRE, names=["database"], ttl="PT1M", idempotencyKey=key)


@asynccontextmanager
async def held(url: str, sql: str) -> AsyncGenerator[None]:
    """Hold rows for as long as the block runs."""
    connection = cast("Any", await asyncpg.connect(url))  # pyright: ignore[reportUnknownMemberType]  # it ships no types
    async with connection.transaction():
        await connection.fetch(f"{sql} for update")
        yield
    await connection.close()


async def test_from_the_first_request_on_a_slot_outlives_our_outage(
    journey: Journey,
) -> None:
    site = journey.installation
    (api,) = site.apis
    caller = Caller(site, journey.workspace_id)
    await caller.send(PUT, name="database", limit=1)
    first = await caller.acquire("holder")

    api.process.kill()
    for happened in (
        "update control_plane set last_served_at = now() - interval '1 hour'",
        "update concurrency_slots set expires_at = now() - interval '59 minutes'",
    ):
        await query(site.urls.owner, happened)
    async with held(site.urls.owner, "select from control_plane"):
        site.start_api(port=api.port)
        early = await caller.acquire("other")
    late = await caller.acquire("other")

    assert first["data"]["concurrencyAcquire"]["acquired"]
    assert early["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert late["data"]["concurrencyAcquire"] == {"acquired": False, "errors": []}
