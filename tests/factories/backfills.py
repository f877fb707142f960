"""Backfills, made through the API."""

from headgate_server.domain.ids import Kind
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient


async def make_backfill(api: ApiClient, found: dict[Kind, str]) -> str:
    """Make a backfill of the deployment, whose loop is not run, and return its id."""
    made = await mutate(
        api,
        "backfillCreate",
        "backfill { id }",
        deploymentId=found[Kind.DEPLOYMENT],
        name="again",
        parameterSets=[{"size": 1}, {"size": 2}],
    )
    backfill_id: str = made["backfill"]["id"]
    return backfill_id
