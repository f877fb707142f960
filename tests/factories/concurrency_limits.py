"""Concurrency limits for tests, made through the API."""

from headgate_server.domain.ids import Kind
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient


async def make_held_limit(api: ApiClient, workspace_id: str) -> dict[Kind, str]:
    """Make a limit, take one of its slots, and return the ids of both."""
    place = {"workspaceId": workspace_id}
    made = await mutate(
        api, "concurrencyLimitUpsert", "concurrencyLimit { id }", **place, name="database", limit=5
    )
    wanted = {"names": ["database"], "ttl": "PT10M", "idempotencyKey": "first"}
    taken = await mutate(api, "concurrencyAcquire", "leaseId", **place, **wanted)
    return {
        Kind.CONCURRENCY_LIMIT: made["concurrencyLimit"]["id"],
        Kind.CONCURRENCY_LEASE: taken["leaseId"],
    }
