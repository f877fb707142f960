"""What clients that never read cost the server: 200 sockets while 10,000 events are written.

``SLOW_READERS_MINUTES=10`` goes on with 200 others, again and again, for so long.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from headgate.api import workspaces
from headgate_server.database.engine import make_engine
from headgate_server.database.urls import derive
from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.events import NewEvent
from headgate_server.services import events
from tests.load.figures import Figure
from tests.load.installation import Installation, installed

FIGURES = ("slow_readers_rss_mb", "slow_readers_cut", "slow_readers_seconds")
SOCKETS = 200
MINUTES = float(os.environ.get("SLOW_READERS_MINUTES", "0"))
EVENTS = 10_000
EVENTS_A_WRITE = 100
PAYLOAD = "x" * 400
LONGEST_SECONDS = 120.0
MEGABYTE = 1024 * 1024
FOLLOW = """subscription ($id: ID!) {
  workspaceEvents(workspaceId: $id) { cursor events { sequence payload } } }"""


def measure() -> Iterator[Figure]:
    """Open sockets, stop to read them, write, and watch the server until all of them are cut."""
    with installed() as installation:
        organization, _, workspace = installation.workspace.partition("/")
        shown = installation.transport().call(
            workspaces.get_id, organization=organization, workspace=workspace
        )
        workspace_id = ids.parse(shown, kind=ids.Kind.WORKSPACE)
        yield from asyncio.run(_measure(installation, workspace_id))


async def _measure(installation: Installation, workspace_id: UUID) -> list[Figure]:
    server = psutil.Process(installation.server.pid)
    until = time.monotonic() + MINUTES * 60
    before: int | None = None
    rounds: list[_Round] = []
    while not rounds or time.monotonic() < until:
        sockets = [await _follow(installation, workspace_id) for _ in range(SOCKETS)]
        before = before or server.memory_info().rss
        rounds.append(await _stop_reading(installation, workspace_id, sockets))
    peak = max(one.peak for one in rounds)
    return [
        Figure("slow_readers_rss_mb", "MB", [(peak - (before or 0)) / MEGABYTE]),
        Figure("slow_readers_cut", "sockets", [one.cut for one in rounds]),
        Figure("slow_readers_seconds", "s", [one.seconds for one in rounds]),
    ]


@dataclass(frozen=True, slots=True)
class _Round:
    """What became of some sockets: the most memory, how many were cut, and how soon all were."""

    peak: int
    cut: int
    seconds: float


async def _stop_reading(
    installation: Installation, workspace_id: UUID, sockets: Sequence[ClientConnection]
) -> _Round:
    """Read nothing more from any of them while events are written, until all are cut."""
    server = psutil.Process(installation.server.pid)
    began = time.monotonic()
    for socket in sockets:
        socket.transport.pause_reading()
    await _write(installation, workspace_id)
    peak, open_ = server.memory_info().rss, SOCKETS
    while open_ and time.monotonic() - began < LONGEST_SECONDS:
        peak = max(peak, server.memory_info().rss)
        open_ = _connections(server)
        await asyncio.sleep(0.1)
    seconds = time.monotonic() - began
    for socket in sockets:
        socket.transport.abort()
    return _Round(peak, SOCKETS - open_, seconds)


def _connections(server: psutil.Process) -> int:
    port = {found.laddr.port for found in server.net_connections() if found.status == "LISTEN"}
    return sum(
        found.status == "ESTABLISHED" and found.laddr.port in port
        for found in server.net_connections()
    )


async def _follow(installation: Installation, workspace_id: UUID) -> ClientConnection:
    """Open a socket that follows the workspace and has read the first batch."""
    socket = await connect(
        installation.url.replace("http", "ws", 1) + "/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        compression=None,
        ping_interval=None,
    )
    variables = {"id": ids.show(ids.Kind.WORKSPACE, workspace_id)}
    payload = {"query": FOLLOW, "variables": variables}
    init: dict[str, Any] = {"authorization": f"Bearer {installation.api_key}"}
    await socket.send(json.dumps({"type": "connection_init", "payload": init}))
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    for _ in range(2):
        await socket.recv()
    return socket


async def _write(installation: Installation, workspace_id: UUID) -> None:
    """Write the events past the API, as its transactions would; the scheduler publishes them."""
    urls = derive(
        installation.database_url,
        secret_key=installation.server_settings["HEADGATE_SECRET_KEY"],
        role_prefix="headgate",
    )
    engine = make_engine(urls.system, application_name="load", pool_size=2)
    database = Database(app=engine, system=engine)
    new = [NewEvent("load.written", "load_1", {"kind": "load"}, {"text": PAYLOAD})]
    for _ in range(EVENTS // EVENTS_A_WRITE):
        async with database.system(workspace_id=workspace_id) as work:
            await events.record_events(work, new * EVENTS_A_WRITE)
    await database.dispose()
