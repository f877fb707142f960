"""Backfills, made through the API."""

from headgate_server.database.work import Database
from headgate_server.domain.ids import Kind, parse
from headgate_server.repositories import backfill_items
from headgate_server.repositories.backfill_items import Outcome
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient


async def make_backfill(database: Database, api: ApiClient, found: dict[Kind, str]) -> str:
    """Make a backfill of the deployment, whose second item is refused, and return its id."""
    made = await mutate(
        api,
        "backfillCreate",
        "backfill { id }",
        deploymentId=found[Kind.DEPLOYMENT],
        name="again",
        parameterSets=[{"size": 1}, {"size": 2}],
    )
    backfill_id: str = made["backfill"]["id"]
    workspace_id = parse(found[Kind.WORKSPACE], kind=Kind.WORKSPACE)
    async with database.system(workspace_id=workspace_id) as work:
        id_ = parse(backfill_id, kind=Kind.BACKFILL)
        await backfill_items.store_outcomes(work, id_=id_, outcomes=[Outcome(1, None, "Refused.")])
    return backfill_id
