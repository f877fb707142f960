"""What an organization that floods the API does to the answers that another one gets.

The flood keeps to no limit of its own: it asks again at once when it is refused. The rates are
those of an installation that sets none.

``SAMPLES`` makes it shorter: 300 unless given.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from subprocess import PIPE
from typing import Any

from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.installation import resolve_urls
from headgate_server.services import api_keys
from headgate_server.settings import Rates, Settings
from tests.factories.deployments import make_deployment
from tests.factories.tenants import make_tenant
from tests.load.figures import Figure, percentile
from tests.load.http_calls import Caller
from tests.load.installation import Installation, installed

FIGURES = ("tenant_p95_alone_ms", "tenant_p95_beside_ms", "tenant_flood_ratio")
SAMPLES = int(os.environ.get("SAMPLES", "300"))
PAUSE_SECONDS = 0.05
RATES = {f"HEADGATE_RATE_{one.name.upper()}": str(one.default) for one in fields(Rates)}

_CREATE = """mutation Create($input: FlowRunCreateInput!) {
  flowRunCreate(input: $input) { flowRun { id } errors { message } } }"""
LIST = """query List($id: ID!) { node(id: $id) { ... on Workspace {
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
            (LIST, {"id": place.workspace_id}),
        ):
            began = time.perf_counter()
            caller.call(document, variables)
            taken.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
    return taken


@contextmanager
def flooded(installation: Installation, place: Place) -> Generator[None]:
    """Have a process of its own flood meanwhile: its threads take no turns from who is measured.

    Raises:
        RuntimeError: when a connection of the flood was answered nothing.
    """
    command = [sys.executable, "-m", "tests.load.flooding_tenant", installation.url]
    given = {"token": place.token, "workspaceId": place.workspace_id, "run": place.run}
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as flood:
        if flood.stdin is None or flood.stdout is None:
            raise RuntimeError("The flood has no pipes")
        flood.stdin.write(json.dumps(given) + "\n")
        flood.stdin.flush()
        flood.stdout.readline()
        yield
        flood.stdin.close()
        asked = json.loads(flood.stdout.read())
    if not all(asked):
        raise RuntimeError(f"The flood asked nothing: {asked}")


def measure() -> list[Figure]:
    with installed(RATES) as installation:
        quiet, loud = (installation.portal.call(make_place, installation) for _ in range(2))
        sample(installation, quiet)
        alone = sample(installation, quiet)
        with flooded(installation, loud):
            beside = sample(installation, quiet)
    ratio = percentile(sorted(beside), fraction=0.95) / percentile(sorted(alone), fraction=0.95)
    return [
        Figure("tenant_p95_alone_ms", "ms", alone),
        Figure("tenant_p95_beside_ms", "ms", beside),
        Figure("tenant_flood_ratio", "ratio", [ratio]),
    ]
