"""What an organization that floods the API does to the answers that another one gets.

The flood keeps to no limit of its own: it asks again at once when it is refused. The rates are
those of an installation that sets none.

``SAMPLES`` makes it shorter: 300 unless given.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

from headgate_server.app import resolve_urls
from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.services import api_keys
from headgate_server.settings import Rates, Settings
from tests.factories.deployments import make_deployment
from tests.factories.tenants import make_tenant
from tests.load.figures import Figure, percentile
from tests.load.http_calls import Caller
from tests.load.installation import Installation, installed

FIGURES = ("tenant_p95_alone_ms", "tenant_p95_beside_ms", "tenant_flood_ratio")
SAMPLES = int(os.environ.get("SAMPLES", "300"))
FLOODERS = 8
BATCH = 100
PAUSE_SECONDS = 0.05
RATES = {f"HEADGATE_RATE_{one.name.upper()}": str(one.default) for one in fields(Rates)}

_BATCH = """mutation Batch($input: FlowRunCreateBatchInput!) {
  flowRunCreateBatch(input: $input) { results { flowRun { id } } errors { message } } }"""
_CREATE = """mutation Create($input: FlowRunCreateInput!) {
  flowRunCreate(input: $input) { flowRun { id } errors { message } } }"""
_LIST = """query List($id: ID!) { node(id: $id) { ... on Workspace {
  flowRuns(first: 20) { nodes { id name state { name } } } } } }"""


@dataclass(frozen=True, slots=True)
class Place:
    """An organization with a deployment, and a key of its owner."""

    token: str
    workspace_id: str
    deployment_id: str

    @property
    def run(self) -> dict[str, Any]:
        """What creates a run."""
        return {"workspaceId": self.workspace_id, "deploymentId": self.deployment_id}


async def make_place(installation: Installation) -> Place:
    """Make an organization, as nobody outside of it can."""
    secret = installation.server_settings["HEADGATE_SECRET_KEY"]
    given = Settings(database_url=installation.database_url, secret_key=secret)
    engine = make_engine(resolve_urls(given).system, application_name="load", pool_size=1)
    database = Database(app=engine, system=engine)
    try:
        tenant = await make_tenant(database)
        async with database.system(workspace_id=tenant.workspace_id) as work:
            deployed = await make_deployment(work)
            new = NewApiKey(
                name="load",
                owner=tenant.owner.actor,
                scopes=OWNER_SCOPES,
                workspace_id=tenant.workspace_id,
            )
            _, token = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=secret)
    finally:
        await database.dispose()
    return Place(
        token,
        ids.show(ids.Kind.WORKSPACE, tenant.workspace_id),
        ids.show(ids.Kind.DEPLOYMENT, deployed.deployment_id),
    )


def sample(installation: Installation, place: Place) -> list[float]:
    """Return how long the other organization waits for its answers, in milliseconds."""
    caller = Caller(installation.url, place.token)
    taken: list[float] = []
    for _ in range(SAMPLES):
        for document, variables in (
            (_CREATE, {"input": place.run}),
            (_LIST, {"id": place.workspace_id}),
        ):
            began = time.perf_counter()
            caller.call(document, variables)
            taken.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
    return taken


class Flood:
    """Many connections of one organization that ask as fast as they are answered."""

    def __init__(self, installation: Installation, place: Place) -> None:
        self.is_over = False
        self._installation = installation
        self._place = place

    def run(self) -> int:
        """Ask until it is over; how often."""
        caller = Caller(self._installation.url, self._place.token)
        batch = {"workspaceId": self._place.workspace_id, "runs": [self._place.run] * BATCH}
        asked = 0
        while not self.is_over:
            caller.answer(_BATCH, {"input": batch})
            caller.answer(_LIST, {"id": self._place.workspace_id})
            asked += 2
        return asked


def measure() -> list[Figure]:
    with installed(RATES) as installation:
        quiet, loud = (installation.portal.call(make_place, installation) for _ in range(2))
        sample(installation, quiet)
        alone = sample(installation, quiet)
        flood = Flood(installation, loud)
        with ThreadPoolExecutor(FLOODERS) as threads:
            flooding = [threads.submit(flood.run) for _ in range(FLOODERS)]
            try:
                beside = sample(installation, quiet)
            finally:
                flood.is_over = True
        if not all(one.result() for one in flooding):
            raise RuntimeError("The flood asked nothing")
    ratio = percentile(sorted(beside), fraction=0.95) / percentile(sorted(alone), fraction=0.95)
    return [
        Figure("tenant_p95_alone_ms", "ms", alone),
        Figure("tenant_p95_beside_ms", "ms", beside),
        Figure("tenant_flood_ratio", "ratio", [ratio]),
    ]
