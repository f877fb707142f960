"""How many whole runs a second the core makes, and the API: created, claimed, started, ended.

In the core ``WORKERS`` processes do what dispatch and agents do, each in a workspace of its own.
Over the API ``CLIENTS`` clients begin and end runs, with credentials and row-level security.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from headgate.ids import make_uuid
from headgate_server.bus.bus import Bus
from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls, derive
from headgate_server.database.work import Database
from headgate_server.dispatch.changes import Changes
from headgate_server.domain.leases import LeaseRef, Offer
from headgate_server.domain.states import StateType, propose
from headgate_server.services.flow_runs.change import check_proposal
from headgate_server.services.leases.hold import Claim
from headgate_server.telemetry.instruments import Instruments
from tests.factories.deployments import make_deployment, make_session
from tests.factories.tenants import make_tenant
from tests.fixtures.network import free_port
from tests.fixtures.world import LEASE, Shift, World
from tests.load.dispatch import Runner
from tests.load.figures import Figure
from tests.load.herd import start_api
from tests.load.http_calls import Caller
from tests.load.installation import Installation, installed, stop

FIGURES = ("core_cycles_per_s", "core_claim_ms", "graphql_runs_per_s")
SECONDS = int(os.environ.get("FOR_SECONDS", "10"))
WORKERS = int(os.environ.get("WORKERS", "3"))
CLIENTS = int(os.environ.get("CLIENTS", "12"))
"""Over the API; half as many leave a quarter of two cores idle."""
AT_ONCE = 10
LONGEST_SECONDS = SECONDS + 120
BEGIN_RUN = """mutation Begin($input: FlowRunBeginInput!) { flowRunBegin(input: $input) {
  flowRun { id } lease { runId epoch } leaseToken runToken errors { message } } }"""
SET_STATE = """mutation Set($input: RunSetStateInput!) {
  flowRunSetState(input: $input) { accepted errors { message } } }"""


async def open_world(urls: DatabaseUrls) -> World:
    """Make a workspace with a deployment and an agent's session."""
    app = make_engine(urls.app, application_name="load", pool_size=AT_ONCE)
    system = make_engine(urls.system, application_name="load", pool_size=1)
    instruments = Instruments()
    database = Database(app=app, system=system, count=instruments.count)
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        session_id = await make_session(work, deployed, capacity=10_000)
    bus = Bus("redis://127.0.0.1:1")
    return World(database, bus, tenant, Shift(), deployed, session_id, instruments)


async def core_cycles(urls: DatabaseUrls, *, until: float) -> dict[str, Any]:
    """Make whole runs until an instant; return how many, and how long their claims took."""
    world = await open_world(urls)
    done, claims = 0, list[float]()
    turn = asyncio.Semaphore(AT_ONCE)

    changes, holder = Changes(database=world.database), world.tenant.owner

    async def cycle(offered: Offer) -> None:
        nonlocal done
        lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
        async with turn:
            began = time.perf_counter()
            claim = Claim(world.session_id, lease, LEASE, holder.actor)
            await changes.claim(holder, world.tenant.workspace_id, claim)
            claims.append((time.perf_counter() - began) * 1000)
            for type_ in (StateType.RUNNING, StateType.COMPLETED):
                proposal = check_proposal(
                    run_id=lease.run_id, state=propose(type_), lease=lease, key=None
                )
                moved = await changes.propose(
                    holder, world.tenant.workspace_id, run_id=lease.run_id, proposal=proposal
                )
                if moved.error is not None:
                    raise moved.error
        done += 1

    while time.time() < until:
        await world.create(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for offered in await world.offer():
                tasks.create_task(cycle(offered))
    await world.database.dispose()
    return {"done": done, "claims": claims}


def graphql_runs(url: str, key: str, workspace_id: str, *, until: float) -> dict[str, Any]:
    """Begin, start and end runs over the API until an instant; return how many."""
    caller = Caller(url, key)
    done = 0
    while time.time() < until:
        given: dict[str, Any] = {
            "workspaceId": workspace_id,
            "flowName": "load",
            "clientId": make_uuid(),
            "parameters": {},
        }
        begun = caller.call(BEGIN_RUN, {"input": given})["flowRunBegin"]
        own = caller.showing(begun["runToken"])
        lease = {**begun["lease"], "leaseToken": begun["leaseToken"]}
        for type_ in ("RUNNING", "COMPLETED"):
            state = {"id": begun["flowRun"]["id"], "state": {"type": type_}, "lease": lease}
            answer = own.call(SET_STATE, {"input": state})["flowRunSetState"]
            if not answer["accepted"]:
                raise RuntimeError(answer["errors"])
        done += 1
    return {"done": done, "claims": []}


def measure() -> Iterator[Figure]:
    with installed() as installation:
        urls = derive(
            installation.database_url,
            secret_key=installation.server_settings["HEADGATE_SECRET_KEY"],
            role_prefix="headgate",
        )
        told = _workers([["core", urls.owner, urls.app, urls.system]] * WORKERS)
        yield Figure("core_cycles_per_s", "runs/s", [sum(one["done"] for one in told) / SECONDS])
        yield Figure("core_claim_ms", "ms", [ms for one in told for ms in one["claims"]])
        yield Figure("graphql_runs_per_s", "runs/s", [_over_the_api(installation)])


def _over_the_api(installation: Installation) -> float:
    """Return how many runs a second go through two replicas."""
    workspace_id = Runner(installation, "noop").workspace_id
    port = free_port()
    second = start_api(installation, port)
    try:
        urls = [installation.url, f"http://127.0.0.1:{port}"]
        told = _workers(
            [
                ["graphql", urls[number % 2], installation.api_key, workspace_id]
                for number in range(CLIENTS)
            ]
        )
    finally:
        stop(second)
    return sum(one["done"] for one in told) / SECONDS


def _workers(commands: list[list[str]]) -> list[dict[str, Any]]:
    """Start a process for each command, let them work side by side, and return what they told."""
    module = [sys.executable, "-m", "tests.load.cycles"]
    workers = [
        subprocess.Popen(
            [*module, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    until = str(time.time() + SECONDS)
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(until)
        worker.stdin.close()
    told = [worker.stdout.read() for worker in workers if worker.stdout is not None]
    for worker in workers:
        worker.wait(LONGEST_SECONDS)
    return [json.loads(answer) for answer in told]


def main(kind: str, *arguments: str) -> None:
    """Work as one of several processes: say that it is there, hear until when, say what came."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    until = float(sys.stdin.read())
    if kind == "core":
        told = asyncio.run(core_cycles(DatabaseUrls(*arguments), until=until))
    else:
        told = graphql_runs(*arguments, until=until)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
