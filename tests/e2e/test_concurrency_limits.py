"""Concurrency limits through every floor: user code, tags, the commands, and kills among many.

``CONTENDERS=2000`` lets more of them contend.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from headgate.api import concurrency_limits
from tests.e2e.dev_server import DevServer, dev_server
from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import Journey

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]

CONTENDERS = Path(__file__).parents[1] / "fixtures" / "contenders.py"
PROCESSES, KILLED, LIMIT = 5, 2, 5
EACH = int(os.environ.get("CONTENDERS", "200")) // PROCESSES

SCRIPT = """
import asyncio, json, sys, threading, time
from headgate import flow, task
from headgate.concurrency.asyncio import concurrency as aconcurrency
from headgate.concurrency.sync import concurrency, rate_limit
from headgate.errors import LimitExceededError, NotFoundError, SlotTimeoutError

inside, most, lock, pair = 0, 0, threading.Lock(), threading.Barrier(2)

def enter(step):
    global inside, most
    with lock:
        inside += step
        most = max(most, inside)

@task(tags=["db"])
def query(number):
    enter(1)
    pair.wait(20)
    enter(-1)
    return number

@task
def free(number):
    return number

@flow
def tagged():
    done = [query.submit(number) for number in range(6)]
    return [one.result() for one in done] + [free(6)]

@flow
def held():
    found = []
    with concurrency(["database", "unknown"], occupy=2):
        try:
            with concurrency("database", timeout_seconds=0.2):
                found.append("never")
        except SlotTimeoutError as error:
            found.append("database" in str(error))
    for wrong, error in ((dict(occupy=9), LimitExceededError), (dict(strict=True), NotFoundError)):
        try:
            with concurrency("database" if "occupy" in wrong else "unknown", **wrong):
                found.append("never")
        except error:
            found.append(error.__name__)
    with concurrency("database", occupy=2, timeout_seconds=0):
        found.append("again")
    return found

@flow
async def paced():
    began = time.monotonic()
    async with aconcurrency("database"):
        for _ in range(3):
            await asyncio.to_thread(rate_limit, "calls")
    return time.monotonic() - began

found = [tagged(), most, held(), asyncio.run(paced())]
sys.stdout.write(json.dumps(found))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    """A server without an agent."""
    folder = tmp_path_factory.mktemp("limits")
    (folder / "script.py").write_text(SCRIPT)
    with dev_server(folder) as server:
        yield server


def test_limits_bind_code_and_tags_and_the_commands_show_them(server: DevServer) -> None:
    verbs = "concurrency-limits"
    made = server.here(verbs, "create", "database", "--limit", "2")
    again = server.here(verbs, "create", "database", "--limit", "3")
    server.here(verbs, "create", "on-db", "--limit", "1", "--tag", "db")
    server.here(verbs, "update", "on-db", "--limit", "2")
    server.here(verbs, "create", "calls", "--limit", "1", "--slot-decay-per-second", "10")

    done = server.script("script.py")
    listed = server.read(verbs, "list")
    shown = server.here(verbs, "inspect", "on-db")
    deleted = server.here(verbs, "delete", "calls", "--yes")
    gone = server.here(verbs, "inspect", "calls")

    assert (made.code, again.code, deleted.code, gone.code) == (0, 5, 0, 4)
    assert done.code == 0, done.err
    tagged, most, held, seconds = json.loads(done.out)
    assert (tagged, most) == ([*range(7)], 2)
    assert held == [True, "LimitExceededError", "NotFoundError", "again"]
    assert seconds >= 0.19
    assert [(one["name"], one["limit"], one["active"]) for one in listed] == [
        ("calls", 1, 0),
        ("database", 2, 0),
        ("on-db", 2, 0),
    ]
    assert "db" in shown.out


@dataclass
class Ring:
    """Counts who holds a slot: connections that are open, as the kernel knows them."""

    port: int = 0
    inside: int = 0
    most: int = 0
    served: int = 0
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await reader.readline()
            writer.write(b"in\n")
            await writer.drain()
            await reader.read()
            self.served += 1
        except ConnectionError:
            pass
        finally:
            self.inside -= 1
            self.seen.set()
            writer.close()


@asynccontextmanager
async def ring() -> AsyncGenerator[Ring]:
    made = Ring()
    listening = await asyncio.start_server(made.hold, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield made


async def test_two_hundred_contend_some_are_killed_and_no_slot_is_shared_or_lost(
    journey: Journey,
) -> None:
    stored = await concurrency_limits.upsert(
        journey.transport, workspace_id=journey.workspace_id, name="contended", limit=LIMIT
    )
    installation = journey.installation
    async with ring() as counter:
        processes = [
            installation.start(
                "contender",
                [sys.executable, str(CONTENDERS), str(counter.port), str(EACH)],
                HEADGATE_API_URL=installation.url,
                HEADGATE_API_KEY=installation.api_key,
                HEADGATE_WORKSPACE=installation.workspace,
                HEADGATE_HOME=str(installation.home("contender")),
            )
            for _ in range(PROCESSES)
        ]
        await eventually(lambda: counter.served >= 10, within_seconds=30, what="The first served")
        for process in processes[:KILLED]:
            process.kill()
        await eventually(
            lambda: all(one.exit_code == 0 for one in processes[KILLED:]),
            within_seconds=60 + EACH / 2,
            what="The others served",
        )

    async def is_free() -> bool:
        organization, _, workspace = installation.workspace.partition("/")
        place = {"organization": organization, "workspace": workspace}
        found = await concurrency_limits.find(journey.transport, **place, name="contended")
        return found is not None and (found.active, found.waiting) == (0, 0)

    assert stored.is_created
    assert 1 <= counter.most <= LIMIT
    assert counter.served >= (PROCESSES - KILLED) * EACH
    await eventually(is_free, within_seconds=20, what="Every slot given back")
