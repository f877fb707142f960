"""The world that chaos runs break: replicas, agents, Postgres and Redis, each behind a link.

Every process reaches the others through links of its own, so one can be cut off alone. Agents and
what they run believe in dates of their own. Restarts keep names, ports and homes, as on real hosts.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from anyio.from_thread import start_blocking_portal

from headgate.api.transport import Transport
from headgate_server.database.engine import make_engine
from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.embedded.services import EmbeddedServices
from headgate_server.services.api_keys import create_key
from tests.chaos import planted
from tests.chaos.terms import AGENT_LIMIT
from tests.factories.tenants import make_tenant
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.installation import TIMERS, Api, Installation, free_port, wait_online
from tests.fixtures.leashed import Leashed
from tests.fixtures.proxy import Link, Protocol, Proxy
from tests.fixtures.records import Records
from tests.fixtures.servers import FAST_SETTINGS, MEMORY
from tests.fixtures.sql import query

SKEW = Path(__file__).with_name("skew")
SHIFTS_SECONDS = (86_400, -86_400, 0, 3_600)
"""By how much the clocks of the agents, and of what they run, are wrong."""
RATES = tuple(
    f"HEADGATE_RATE_{of}" for of in ("USER", "KEY", "RUN", "AGENT", "ORGANIZATION", "REPORTS")
)
SETTINGS = {**FAST_SETTINGS, "synchronous_commit": "on"}
"""What was committed outlives a kill of Postgres, though not one of the machine."""
DATABASE_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What looking at a database raises that is down, or has just closed the connection."""
POSTGRES, REDIS, API = "postgres", "redis", "api"


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a world is, and what is wrong in it from the beginning.

    Args:
        planted: the name of a bug of ``tests.chaos.planted``; the product as it is unless given.
    """

    apis: int = 2
    schedulers: int = 3
    agents: int = 4
    seed: int = 1
    planted: str = ""


@dataclass
class Member:
    """One process of the world with its links, by what is at their other end."""

    name: str
    kind: str
    launch: Callable[[], Leashed]
    links: Mapping[str, Link]
    process: Leashed | None = None
    starts: int = 0

    @property
    def is_up(self) -> bool:
        """Whether the process is there, frozen or not."""
        return self.process is not None and self.process.exit_code is None

    @property
    def pid(self) -> int:
        """The pid of the process that runs now, or ran last."""
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    def start(self) -> None:
        """Start it, or start it again after its end."""
        self.process = self.launch()
        self.starts += 1

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone; none where it has ended."""
        if self.is_up:
            os.kill(self.pid, number)


@dataclass
class World:
    """Everything there is, in a folder of its own."""

    plan: Plan
    folder: Path
    services: EmbeddedServices
    proxy: Proxy
    urls: DatabaseUrls
    installation: Installation
    records: Records
    stranger_key: str = ""
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    doors: list[Link] = field(default_factory=list[Link])

    def of(self, kind: str) -> list[Member]:
        """Return the members of a kind: ``api``, ``scheduler``, ``agent``."""
        return [member for member in self.members.values() if member.kind == kind]

    def transport(self, token: str = "", *, deadline_seconds: float = 5.0) -> Transport:
        """Return a client's own way to the API, with the owner's key unless given another."""
        door = self.proxy.link(f"door-{len(self.doors)}", *self._api_ports())
        self.doors.append(door)
        return Transport(
            f"http://127.0.0.1:{door.port}",
            token or self.installation.api_key,
            deadline_seconds=deadline_seconds,
        )

    async def start(self) -> None:
        """Start every member and return once all are at work."""
        for number in range(self.plan.apis):
            self._add_server(f"api-{number}", "api")
        for number in range(self.plan.schedulers):
            self._add_server(f"scheduler-{number}", "scheduler")
        for number in range(self.plan.agents):
            self._add_agent(number)
        await self.revive()

    async def revive(self) -> None:
        """Thaw what is frozen, start what has ended, and return once all are at work."""
        for member in self.members.values():
            member.signal(signal.SIGCONT)
        started = [member for member in self.members.values() if not member.is_up]
        for member in started:
            member.start()
        for member in started:
            await asyncio.to_thread(self._wait_ready, member)

    def _wait_ready(self, member: Member) -> None:
        assert member.process is not None
        if member.kind == "api":
            Api(member.process, self._port(member)).wait_ready()
        elif member.kind == "agent":
            wait_online(member.process)

    def _port(self, member: Member) -> int:
        return member.links[API].port

    def _api_ports(self) -> list[int]:
        return [self._port(member) for member in self.of("api")]

    def _add_server(self, name: str, kind: str) -> None:
        links = {
            POSTGRES: self._link(f"{name}:postgres", self.urls.owner, Protocol.POSTGRES),
            REDIS: self._link(f"{name}:redis", self.services.redis_url, Protocol.OTHER),
        }
        port = free_port()
        if kind == "api":
            links[API] = self.proxy.link(f"{name}:api", port)
        bug = self.plan.planted
        module = ["tests.chaos.planted", bug] if bug else ["headgate_server"]
        options = ["--port", str(port)] if kind == "api" else []
        command = [sys.executable, "-m", *module, kind, *options]

        def launch() -> Leashed:
            postgres, redis = links[POSTGRES].port, links[REDIS].port
            return self.installation.start(
                name,
                command,
                HEADGATE_OWNER_DATABASE_URL=through(self.urls.owner, port=postgres),
                HEADGATE_DATABASE_URL=through(self.urls.app, port=postgres),
                HEADGATE_SYSTEM_DATABASE_URL=through(self.urls.system, port=postgres),
                HEADGATE_REDIS_URL=through(self.services.redis_url, port=redis),
            )

        self.members[name] = Member(name, kind, launch, links)

    def _add_agent(self, number: int) -> None:
        name = f"agent-{number}"
        link = self.proxy.link(f"{name}:api", *self._api_ports(), protocol=Protocol.HTTP)

        def launch() -> Leashed:
            return self.installation.start_agent(
                name=name,
                limit=AGENT_LIMIT,
                url=f"http://127.0.0.1:{link.port}",
                PYTHONPATH=str(SKEW),
                CHAOS_SHIFT_SECONDS=str(SHIFTS_SECONDS[number % len(SHIFTS_SECONDS)]),
            )

        self.members[name] = Member(name, "agent", launch, {API: link})

    def _link(self, name: str, url: str, protocol: Protocol) -> Link:
        return self.proxy.link(name, urlsplit(url).port or 0, protocol=protocol)


def through(url: str, *, port: int) -> str:
    """Return an address with another port."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))


@asynccontextmanager
async def a_world(plan: Plan) -> AsyncGenerator[World]:
    """Make a world and start it; at the end all of it is gone."""
    folder = Path(
        tempfile.mkdtemp(prefix="headgate-chaos-", dir=MEMORY if MEMORY.is_dir() else None)
    )
    services = EmbeddedServices(folder / "services", postgres_settings=SETTINGS)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        portal = stack.enter_context(start_blocking_portal())
        stack.enter_context(portal.wrap_async_context_manager(services))
        urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        if plan.planted in planted.SQL:
            await query(urls.owner, planted.SQL[plan.planted])
        proxy = stack.enter_context(Proxy(seed=plan.seed))
        timers = {**TIMERS, **dict.fromkeys(RATES, "0")}
        installation = stack.enter_context(
            Installation(folder / "site", urls, services.redis_url, timers=timers)
        )
        await installation.make_tenant()
        world = World(plan, folder, services, proxy, urls, installation, Records(urls.owner))
        world.stranger_key = await _make_stranger(urls)
        await world.start()
        try:
            yield world
        finally:
            await world.records.close()


async def _make_stranger(urls: DatabaseUrls) -> str:
    """Make another tenant and return the key of its owner, who may do everything there."""
    database = Database(
        app=make_engine(urls.app, application_name="tests", pool_size=1),
        system=make_engine(urls.system, application_name="tests", pool_size=1),
    )
    tenant = await make_tenant(database)
    new = NewApiKey(name="stranger", owner=tenant.owner.actor, scopes=OWNER_SCOPES)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        _, token = await create_key(work, granter=tenant.owner, new=new, pepper=SECRET_KEY)
    await database.dispose()
    return token
