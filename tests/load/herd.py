"""Agents that come back all at once after a restart of the API, beside one that is at work.

``COUNT`` agents (5,000 unless given) are the sockets of this process; each opens its stream again
as soon as the API listens, and tries again as the product's agents do. They send no heartbeats:
until all are there one statement stands for those of all, and then they are silent for as long as
they take to come back, which the server does not take for the end of a session for 90 seconds.
"""

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from headgate.api import agents
from headgate.api.socket import retry_after_seconds
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.errors import RetryableApiError
from tests.fixtures.network import free_port
from tests.load.dispatch import Runner
from tests.load.figures import Figure
from tests.load.installation import START_SECONDS, Installation, installed, stop

FIGURES = (
    "herd_agents",
    "herd_back_s",
    "herd_vain_attempts",
    "herd_registered_again",
    "herd_most_connections",
    "herd_connections_limit",
    "herd_leases_lost",
)
COUNT = int(os.environ.get("COUNT", "5000"))
AT_ONCE = 50
HELD_RUNS = 5
LONGEST_SECONDS = 900.0
OPEN_SECONDS = 30.0
POOL_SIZE = 10
SPARE_FILES = 200
SAMPLE_SECONDS = 0.2
BEAT_SECONDS = 20.0
PROGRESS_SECONDS = 10.0
SESSION_OVER = (4401, 4403)
"""With these codes the server closes the socket of a session that has ended."""
PROCESSES = 2
"""The API that the agents use, and the server of the installation; each has two pools."""
FOLLOW = "subscription ($input: AgentWorkInput!) { agentWork(input: $input) { __typename } }"
_CONNECTIONS = """select count(*) from pg_stat_activity
  where application_name in ('headgate', 'headgate-system')"""
_BEAT = """with seen as (
    update agent_sessions set last_seen_at = now() where ended_at is null returning id
  ) select count(*) from seen"""
_RUNNING = "select count(*) from flow_runs where state_type = 'RUNNING'"
_KEPT = "select count(*) from flow_runs where state_type in ('RUNNING', 'COMPLETED')"


class SessionEndedError(Exception):
    """The server has ended the session of an agent, which registers again."""


def is_session_over(error: Exception) -> bool:
    """Whether an attempt failed because the session has ended, however the server said so."""
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        return error.rcvd.code in SESSION_OVER
    return isinstance(error, SessionEndedError)


def wish_of(error: Exception) -> float | None:
    """Return in how many seconds the server wants an agent again, if it said so."""
    if isinstance(error, RetryableApiError):
        return error.retry_after_seconds
    return retry_after_seconds(error)


@dataclass
class Agent:
    """An agent without a place for a run, in its latest session."""

    transport: Transport
    workspace_id: str
    name: str
    session_id: str = ""
    session_token: str = ""

    async def register(self) -> None:
        registration = await agents.register(
            self.transport,
            workspace_id=self.workspace_id,
            pool_name="default",
            name=self.name,
            instance_id=str(uuid4()),
            capacity=0,
            sdk_version="0.1.0",
            host="herd",
        )
        self.session_id = registration.session_id
        self.session_token = registration.session_token


@dataclass
class Herd:
    """The sockets, and what became of their attempts."""

    url: str
    agents: list[Agent] = field(default_factory=list[Agent])
    sockets: list[ClientConnection] = field(default_factory=list[ClientConnection])
    readers: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    seconds: list[float] = field(default_factory=list[float])
    vain: int = 0
    fenced: int = 0

    async def gather(
        self,
        transport: Transport,
        *,
        workspace_id: str,
        count: int,
        beat: Callable[[], object],
    ) -> None:
        """Register agents without a place for a run, and open a stream for each at once.

        One that waited for its stream until the last is registered would be taken for lost.

        Args:
            transport: to the API.
            workspace_id: where they register.
            count: how many.
            beat: stands for the heartbeats of all; is called often enough until all are there.
        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with turn:
                agent = Agent(transport, workspace_id, name=f"herd-{number}")
                self.agents.append(agent)
                self._keep(await self._open_at_last(agent))

        beating = asyncio.create_task(_beat_forever(beat))
        try:
            await self._all(one(number) for number in range(count))
            await asyncio.to_thread(beat)
        finally:
            beating.cancel()

    async def come_back(self) -> None:
        """Open a stream for each agent, as fast as they can; return when all of them are open."""
        began = time.monotonic()
        self.vain = self.fenced = 0

        async def one(agent: Agent) -> None:
            self._keep(await self._open_at_last(agent))
            self.seconds.append(time.monotonic() - began)

        await self._all(one(agent) for agent in self.agents)

    async def _all(self, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Do everything side by side, and say on stderr how far it is."""
        telling = asyncio.create_task(self._tell())
        try:
            async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as group:
                for one in work:
                    group.create_task(one)
        finally:
            telling.cancel()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            told = f"{len(self.sockets)} open, {self.vain} in vain, {self.fenced} over"
            sys.stderr.write(f"herd: {told}\n")

    def _keep(self, socket: ClientConnection) -> None:
        self.sockets.append(socket)
        self.readers.append(asyncio.create_task(answer_pings(socket)))

    async def _open_at_last(self, agent: Agent) -> ClientConnection:
        """Open a stream for an agent, tried again as the product's agents do."""
        attempt, is_over = 0, not agent.session_id
        while True:
            try:
                if is_over:
                    await agent.register()
                    is_over = False
                async with asyncio.timeout(OPEN_SECONDS):
                    return await self._open(agent)
            except (
                RetryableApiError,
                SessionEndedError,
                OSError,
                TimeoutError,
                WebSocketException,
            ) as error:
                if is_session_over(error):
                    self.fenced += 1
                    is_over = True
                    continue
                self.vain += 1
                wish = wish_of(error)
                await asyncio.sleep(retry_delay_seconds(attempt, wish_seconds=wish))
                attempt += 1

    async def _open(self, agent: Agent) -> ClientConnection:
        socket = await connect(
            self.url.replace("http", "ws", 1) + "/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_SECONDS,
        )
        init = {"authorization": f"Bearer {agent.session_token}"}
        variables: dict[str, Any] = {"input": {"sessionId": agent.session_id, "held": []}}
        payload = {"query": FOLLOW, "variables": variables}
        await socket.send(json.dumps({"type": "connection_init", "payload": init}))
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        while (told := json.loads(await socket.recv()))["type"] != "next":
            if told["type"] == "error":
                is_over = "SESSION_FENCED" in json.dumps(told)
                raise SessionEndedError if is_over else OSError(told)
        return socket

    def drop_all(self) -> None:
        """Forget the sockets, which the server has closed."""
        for socket in self.sockets:
            socket.transport.abort()
        for reader in self.readers:
            reader.cancel()
        self.sockets.clear()
        self.readers.clear()
        self.seconds.clear()


async def answer_pings(socket: ClientConnection) -> None:
    """Give signs of life until the server is gone: without them it would cut the socket."""
    with suppress(WebSocketException, OSError):
        async for told in socket:
            if json.loads(told)["type"] == "ping":
                await socket.send('{"type": "pong"}')


async def _beat_forever(beat: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        await asyncio.to_thread(beat)


def start_api(installation: Installation, port: int) -> "subprocess.Popen[bytes]":
    """Start an API of its own, and return once it is ready."""
    settings = {**installation.server_settings, "HEADGATE_DATABASE_POOL_SIZE": str(POOL_SIZE)}
    process = subprocess.Popen(
        [sys.executable, "-m", "headgate_server", "api", "--port", str(port)],
        env={**installation.environment, **settings},
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: _is_ready(port), what="The API")
    return process


def wait_until(probe: Callable[[], bool], *, what: str) -> None:
    """Return once something is so."""
    deadline = time.monotonic() + START_SECONDS
    while not probe():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready in time.")
        time.sleep(0.05)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def possible(count: int) -> int:
    """Return how many sockets this process and the API may have, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(count, hard - SPARE_FILES)


async def stampede(installation: Installation, herd: Herd) -> int:
    """Let all come back at once; return how many connections the servers had at the most."""
    work = asyncio.create_task(herd.come_back())
    most = 0
    while not work.done():
        most = max(most, await asyncio.to_thread(installation.query, _CONNECTIONS))
        await asyncio.wait({work}, timeout=SAMPLE_SECONDS)
    await work
    return most


def measure() -> list[Figure]:
    # A collection looks at every socket and stops them all meanwhile.
    gc.disable()
    count = possible(COUNT)
    port = free_port()
    pool = {"HEADGATE_DATABASE_POOL_SIZE": str(POOL_SIZE)}
    with ExitStack() as stack:
        installation = stack.enter_context(installed(pool))
        runner = stack.enter_context(asyncio.Runner())
        own = replace(installation, url=f"http://127.0.0.1:{port}")
        before = start_api(own, port)
        stack.callback(stop, before)
        stack.enter_context(own.agent("--limit", str(HELD_RUNS)))
        work = Runner(own, "lasting")
        for _ in range(HELD_RUNS):
            work.create()
        wait_until(lambda: own.query(_RUNNING) == HELD_RUNS, what="Every run")
        transport = Transport(own.url, own.api_key)
        herd = Herd(own.url)
        runner.run(
            herd.gather(
                transport,
                workspace_id=work.workspace_id,
                count=count,
                beat=lambda: own.query(_BEAT),
            )
        )
        before.kill()
        before.wait()
        herd.drop_all()
        stack.callback(stop, start_api(own, port))
        most = runner.run(stampede(own, herd))
        lost = HELD_RUNS - own.query(_KEPT)
        seconds = list(herd.seconds)
        herd.drop_all()
        runner.run(transport.close())
    return [
        Figure("herd_agents", "agents", [len(seconds)]),
        Figure("herd_back_s", "s", seconds),
        Figure("herd_vain_attempts", "attempts", [herd.vain]),
        Figure("herd_registered_again", "agents", [herd.fenced]),
        Figure("herd_most_connections", "connections", [most]),
        Figure("herd_connections_limit", "connections", [PROCESSES * 2 * POOL_SIZE]),
        Figure("herd_leases_lost", "leases", [lost]),
    ]
