"""What breaks a world: each fault breaks something, lasts a while, and mends it again."""

import asyncio
import logging
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from redis.exceptions import RedisError

from headgate_server.domain import ids
from tests.backend.embedded.holders import postgres_pid, valkey_pid
from tests.chaos.evidence import read_lines
from tests.chaos.world import API, DATABASE_AWAY, POSTGRES, REDIS, Member, World
from tests.fixtures.deadlines import eventually
from tests.fixtures.proxy import FAIR, Link, Way, Weather
from tests.fixtures.redis_client import connect

logger = logging.getLogger(__name__)

Fault = Callable[["Nemesis"], Awaitable[None]]

SERVICE_PAUSE_SECONDS = 15.0
"""A supervisor gives a service up that dies more than five times a minute."""

_STARTED_AGAIN = """
select run_id from work_items where phase = 'RUNNING' and on_agent_lost = 'RETRY'
"""
_TERMINATE = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where pid <> pg_backend_pid() and application_name <> '' and random() < 0.5
"""


@dataclass
class Nemesis:
    """Chooses victims by chance, and what was broken is counted."""

    world: World
    chance: random.Random
    faults: int = 0
    killed_at: dict[str, float] = field(default_factory=dict[str, float])

    def may_kill(self, service: str) -> bool:
        """Whether a service has run for so long that its supervisor starts it once more."""
        now = time.monotonic()
        if now - self.killed_at.get(service, -SERVICE_PAUSE_SECONDS) < SERVICE_PAUSE_SECONDS:
            return False
        self.killed_at[service] = now
        return True

    def member(self, *kinds: str) -> Member:
        """Return any member of these kinds."""
        return self.chance.choice([one for kind in kinds for one in self.world.of(kind)])

    async def wait(self, shortest: float, longest: float) -> None:
        """Let a fault last."""
        await asyncio.sleep(self.chance.uniform(shortest, longest))

    async def storm(self, faults: dict[Fault, int], *, seconds: float) -> None:
        """Let faults come one after the other, each as often as its weight says."""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            (fault,) = self.chance.choices(list(faults), list(faults.values()))
            logger.info("%s", fault.__name__)
            await fault(self)
            self.faults += 1
            await self.wait(0.1, 1.0)

    def runs(self, of: Collection[str] | None = None) -> list[int]:
        """Return the processes of runs that are alive: of these runs, or of any."""
        lines = read_lines(self.world.folder / "executions")[-60:]
        lines = [line for line in lines if of is None or line.run_id in of]
        ended = {line.pid for line in lines if line.what == "ended"}
        return [pid for pid in {line.pid for line in lines} - ended if psutil.pid_exists(pid)]


async def kill_server(nemesis: Nemesis) -> None:
    """Kill -9 an API or a scheduler."""
    await _kill(nemesis, nemesis.member("api", "scheduler"))


async def kill_agent(nemesis: Nemesis) -> None:
    """Kill -9 an agent; its runs go on without it."""
    await _kill(nemesis, nemesis.member("agent"))


async def kill_host(nemesis: Nemesis) -> None:
    """Kill -9 an agent and all that it started."""
    agent = nemesis.member("agent")
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(agent.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    await _kill(nemesis, agent)


async def kill_busy_host(nemesis: Nemesis) -> None:
    """Kill -9 an agent and all that it started, while it executes a run that will start again."""
    found: set[int] = set()

    async def is_busy() -> bool:
        rows = await nemesis.world.records.rows(_STARTED_AGAIN)
        again = {ids.show(ids.Kind.FLOW_RUN, row["run_id"]) for row in rows}
        found.update(nemesis.runs(again))
        return bool(found)

    await eventually(is_busy)
    for agent in nemesis.world.of("agent"):
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(agent.pid).children(recursive=True)
            if found.isdisjoint(process.pid for process in family):
                continue
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            await _kill(nemesis, agent)


async def kill_child(nemesis: Nemesis) -> None:
    """Kill -9 the process of a run."""
    runs = nemesis.runs()
    if runs:
        with suppress(ProcessLookupError):
            os.kill(nemesis.chance.choice(runs), signal.SIGKILL)


async def _kill(nemesis: Nemesis, member: Member) -> None:
    member.signal(signal.SIGKILL)
    await eventually(lambda: not member.is_up, what=f"The end of {member.name}")
    await nemesis.wait(0.1, 2)
    await nemesis.world.revive()


async def freeze_member(nemesis: Nemesis) -> None:
    """SIGSTOP any process of ours for up to longer than every timer."""
    member = nemesis.member("api", "scheduler", "agent")
    member.signal(signal.SIGSTOP)
    await nemesis.wait(0.5, 8)
    member.signal(signal.SIGCONT)


async def freeze_child(nemesis: Nemesis) -> None:
    """SIGSTOP the process of a run, for less than its fence."""
    runs = nemesis.runs()
    pid = nemesis.chance.choice(runs) if runs else None
    for number, seconds in ((signal.SIGSTOP, 3.0), (signal.SIGCONT, 0.0)):
        with suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, number)
        await nemesis.wait(0, seconds)


async def bad_weather(nemesis: Nemesis) -> None:
    """Make some links slow, lossy, narrow or silent."""
    chance = nemesis.chance
    weather = chance.choice(
        (
            Weather(delay_seconds=0.1, jitter_seconds=0.3),
            Weather(loss=0.3),
            Weather(bytes_per_second=20_000),
            Weather(is_black_hole=True),
            Weather(is_refusing=True),
            Weather(reset_after_bytes=chance.randrange(100, 20_000)),
        )
    )
    links = chance.sample(_links(nemesis.world), k=chance.randint(1, 4))
    for link in links:
        link.weather = weather
    await nemesis.wait(0.5, 6)
    for link in links:
        link.weather = FAIR


async def cut_links(nemesis: Nemesis) -> None:
    """Reset the connections of some links, or end one of their directions."""
    chance = nemesis.chance
    for link in chance.sample(_links(nemesis.world), k=chance.randint(1, 6)):
        if chance.random() < 0.5:
            link.reset()
        else:
            link.half_close(chance.choice(list(Way)))


async def partition_agents(nemesis: Nemesis) -> None:
    """Keep agents and the runs in them from the API for longer than a fence."""
    agents = nemesis.world.of("agent")
    cut_off = nemesis.chance.sample(agents, k=nemesis.chance.randint(1, max(1, len(agents) // 2)))
    await _in_the_dark(nemesis, [agent.links[API] for agent in cut_off], shortest=4, longest=12)


async def partition_database(nemesis: Nemesis) -> None:
    """Keep a server from Postgres."""
    member = nemesis.member("api", "scheduler")
    await _in_the_dark(nemesis, [member.links[POSTGRES]], shortest=1, longest=8)


async def kill_postgres(nemesis: Nemesis) -> None:
    """Kill -9 the database server; its supervisor starts it again."""
    with suppress(OSError, ValueError):
        if nemesis.may_kill(POSTGRES):
            os.kill(postgres_pid(nemesis.world.services.data_dir), signal.SIGKILL)
    await nemesis.wait(1, 4)


async def freeze_postgres(nemesis: Nemesis) -> None:
    """SIGSTOP backends of the database in the middle of whatever they do."""
    parent = postgres_pid(nemesis.world.services.data_dir)
    with suppress(psutil.NoSuchProcess):
        backends = psutil.Process(parent).children()
        for process in nemesis.chance.sample(backends, k=len(backends) // 3):
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        await nemesis.wait(0.5, 3)
        for process in backends:
            with suppress(psutil.NoSuchProcess):
                process.resume()


async def terminate_backends(nemesis: Nemesis) -> None:
    """End half of the database sessions of everybody."""
    with suppress(*DATABASE_AWAY):
        await nemesis.world.records.rows(_TERMINATE)


async def redis_away(nemesis: Nemesis) -> None:
    """Keep everybody from Redis."""
    members = nemesis.world.members.values()
    links = [member.links[REDIS] for member in members if REDIS in member.links]
    await _in_the_dark(nemesis, links, shortest=2, longest=8)


async def kill_redis(nemesis: Nemesis) -> None:
    """Kill -9 Redis; its supervisor starts it again."""
    with suppress(OSError, ValueError):
        if nemesis.may_kill(REDIS):
            os.kill(valkey_pid(nemesis.world.services.data_dir), signal.SIGKILL)
    await nemesis.wait(0.5, 3)


async def flush_redis(nemesis: Nemesis) -> None:
    """Empty Redis."""
    with suppress(RedisError), connect(nemesis.world.services.redis_url) as client:
        client.flushall()


async def _in_the_dark(
    nemesis: Nemesis, links: list[Link], *, shortest: float, longest: float
) -> None:
    for link in links:
        link.weather = Weather(is_black_hole=True)
    await nemesis.wait(shortest, longest)
    for link in links:
        link.weather = FAIR
        link.reset()


def _links(world: World) -> list[Link]:
    return [link for member in world.members.values() for link in member.links.values()]


KILLS: dict[Fault, int] = {kill_server: 3, kill_agent: 2, kill_host: 1, kill_child: 2}
FREEZES: dict[Fault, int] = {freeze_member: 3, freeze_child: 1}
WIRES: dict[Fault, int] = {bad_weather: 3, cut_links: 2, partition_database: 1}
PARTITIONS: dict[Fault, int] = {partition_agents: 1}
DATABASE: dict[Fault, int] = {kill_postgres: 2, terminate_backends: 2, freeze_postgres: 1}
REDIS_FAULTS: dict[Fault, int] = {redis_away: 2, kill_redis: 1, flush_redis: 2}
EVERYTHING: dict[Fault, int] = {
    **KILLS,
    **FREEZES,
    **WIRES,
    **PARTITIONS,
    **DATABASE,
    **REDIS_FAULTS,
}
