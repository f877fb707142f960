"""Days of runs, pressed together: what the product does for each, through its own statements.

The clock that services see stands days in the past and moves on by whole days; within a day it
runs as every clock does. So a day's runs can come in minutes, and retention finds them old when
the next days begin.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from headgate_server.bus.bus import Bus
from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.dispatch.changes import Changes
from headgate_server.dispatch.pools import OFFERS_AT_ONCE
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.due_looks import DueLooks
from headgate_server.domain.leases import LeaseRef, Offer
from headgate_server.domain.states import StateType, propose
from headgate_server.loops.loop import LoopContext, run_safely
from headgate_server.loops.registry import LOOPS
from headgate_server.services import workspaces
from headgate_server.services.flow_runs import create
from headgate_server.services.flow_runs.change import check_proposal
from headgate_server.services.leases.hold import Claim
from headgate_server.services.leases.offer import offer_runs
from headgate_server.services.workspaces import RetentionChanges
from headgate_server.settings import Timers
from headgate_server.telemetry.instruments import Instruments
from tests.factories.deployments import Deployed, make_deployment, make_session
from tests.factories.runs import id_of
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.sql import query
from tests.fixtures.world import LEASE, OFFER_TTL, Shift, World

BATCH = 100
RUNS_PER_SECOND = 50
FIRST_DAYS_AGO = 20
"""So many days ago the first day is: the last one has to be over when its tables are dropped."""
MOST_DAYS = FIRST_DAYS_AGO - 4
KEPT_DAYS = 1
_UNREACHABLE = "redis://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the runs are made: one workspace, one deployment, one queue."""

    tenant: Tenant
    deployed: Deployed


@dataclass(slots=True)
class Told:
    """What came of some runs; how long each look for due runs, and each claim, took in seconds."""

    runs: int = 0
    offers: list[float] = field(default_factory=list[float])
    claims: list[float] = field(default_factory=list[float])


def shift_to(day: int) -> Shift:
    """Return the clock of a day, 0 being the first."""
    if not 0 <= day < MOST_DAYS:
        raise ValueError(f"There are {MOST_DAYS} days.")
    return Shift(timedelta(days=day - FIRST_DAYS_AGO))


def day_of(day: int) -> date:
    """Return the date of a day."""
    return (SystemClock().now() + shift_to(day).by).date()


@asynccontextmanager
async def opened(urls: DatabaseUrls, *, shift: Shift) -> AsyncGenerator[Database]:
    """Open units of work whose clock is shifted."""
    database = Database(
        app=make_engine(urls.app, application_name="days", pool_size=10),
        system=make_engine(urls.system, application_name="days", pool_size=5),
        count=Instruments().count,
        read_now=shift,
    )
    yield database
    await database.dispose()


async def settle_in(urls: DatabaseUrls, *, days: int, waiting: int) -> Place:
    """Make a workspace that keeps a day, the tables of the days to come, and runs that wait.

    Args:
        urls: of a migrated database.
        days: how many there will be.
        waiting: so many runs are due in months: they stay in the hot table all the time.
    """
    for day in range(days + 1):
        for parent in ("states", "logs", "events"):
            await _make_partition(urls, parent, days_ago=FIRST_DAYS_AGO - day)
    async with opened(urls, shift=Shift()) as database:
        tenant = await make_tenant(database)
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            kept = RetentionChanges(KEPT_DAYS, KEPT_DAYS, KEPT_DAYS)
            await workspaces.update_workspace(work, id_=tenant.workspace_id, retention=kept)
            deployed = await make_deployment(work)
            ahead = create.RunRequest(
                deployment_id=deployed.deployment_id,
                expected_start=work.now + timedelta(days=100),
            )
            for _ in range(waiting // BATCH):
                await create.create_runs(work, [ahead] * BATCH)
    return Place(tenant, deployed)


async def _make_partition(urls: DatabaseUrls, parent: str, *, days_ago: int) -> None:
    """Make the table of a day that is over, as the loop would have then."""
    day = SystemClock().now().date() - timedelta(days=days_ago)
    low, high = (f"'{at} 00:00+00'" for at in (day, day + timedelta(days=1)))
    if parent != "events":
        low, high = [
            f"'{await query(urls.owner, f'select uuid_floor({bound})')}'" for bound in (low, high)
        ]
    await query(
        urls.owner,
        f"create table if not exists {parent}_{day:%Y%m%d} partition of {parent} "
        f"for values from ({low}) to ({high})",
    )


async def make_runs(
    urls: DatabaseUrls, place: Place, *, day: int, runs: int, is_paced: bool = False
) -> Told:
    """Make runs from their creation to their end, with an agent's session of their own.

    Args:
        urls: of the database.
        place: where.
        day: on which.
        runs: how many.
        is_paced: singly, 50 a second, as they come in life; else 100 at a time, one after another.
    """
    shift = shift_to(day)
    async with opened(urls, shift=shift) as database:
        async with database.tenant(place.tenant.owner, place.tenant.workspace_id) as work:
            session_id = await make_session(work, place.deployed, capacity=10_000)
        bus = Bus(_UNREACHABLE)
        deployed, instruments = place.deployed, Instruments()
        world = World(database, bus, place.tenant, shift, deployed, session_id, instruments)
        making = _Making(world)
        await (making.singly(runs) if is_paced else making.in_bulk(runs))
    return making.told


class _Making:
    """Makes runs, and does what agents do with them."""

    def __init__(self, world: World) -> None:
        self.told = Told()
        self._world = world
        self._changes = Changes(database=world.database)
        self._turn = asyncio.Lock()
        self._looks = DueLooks()

    async def in_bulk(self, runs: int) -> None:
        """Make runs batch by batch, each from its creation to its end."""
        made = 0
        while made < runs:
            count = min(BATCH, runs - made)
            await self._create(count)
            made += count
            await self._finish_due()
        while await self._finish_due():
            pass

    async def singly(self, runs: int) -> None:
        """Begin a run each fiftieth of a second, however long the others take."""
        clock = asyncio.get_running_loop().time
        began_at = clock()
        async with asyncio.TaskGroup() as tasks:
            for number in range(runs):
                await asyncio.sleep(max(began_at + number / RUNS_PER_SECOND - clock(), 0))
                tasks.create_task(self._create_and_finish())
        while await self._finish_due():
            pass

    async def _create_and_finish(self) -> None:
        await self._create(1)
        await self._finish_due()

    async def _create(self, count: int) -> None:
        deployment_id = self._world.deployed.deployment_id
        async with self._world.work() as work:
            asked = [
                create.RunRequest(deployment_id=deployment_id, id=id_of(work.now))
                for _ in range(count)
            ]
            await create.create_runs(work, asked)

    async def _offer(self) -> list[Offer]:
        """Offer what is due as a dispatcher does, which knows where its looks have come to."""
        async with self._world.system() as work:
            return await offer_runs(
                work,
                work_pool_id=self._world.deployed.work_pool_id,
                groups={None: [self._world.session_id]},
                most=OFFERS_AT_ONCE,
                offer_ttl=OFFER_TTL,
                looks=self._looks,
            )

    async def _finish_due(self) -> int:
        """Have what is due offered, one look at a time, and finish that; how many there were."""
        async with self._turn:
            began_at = time.perf_counter()
            offered = await self._offer()
            self.told.offers.append(time.perf_counter() - began_at)
        async with asyncio.TaskGroup() as tasks:
            for offer in offered:
                tasks.create_task(self._finish(offer))
        return len(offered)

    async def _finish(self, offered: Offer) -> None:
        """Claim a run, start it and end it."""
        holder, workspace_id = self._world.tenant.owner, self._world.tenant.workspace_id
        lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
        began_at = time.perf_counter()
        claim = Claim(self._world.session_id, lease, LEASE, holder.actor)
        await self._changes.claim(holder, workspace_id, claim)
        self.told.claims.append(time.perf_counter() - began_at)
        for type_ in (StateType.RUNNING, StateType.COMPLETED):
            proposal = check_proposal(
                run_id=lease.run_id, state=propose(type_), lease=lease, key=None
            )
            moved = await self._changes.propose(
                holder, workspace_id, run_id=lease.run_id, proposal=proposal
            )
            if moved.error is not None:
                raise moved.error
        self.told.runs += 1


class Keeper:
    """Runs every loop of a scheduler, one after the other, on the clock of a day."""

    def __init__(self, database: Database, shift: Shift) -> None:
        """Keep a database in order; ``shift`` is the clock that ``database`` reads."""
        self._shift = shift
        self._context = LoopContext(database, Bus(_UNREACHABLE), Timers())
        self.longest: dict[str, float] = {}
        """How long the longest round of each loop took since somebody emptied this, in seconds."""

    def move_to(self, day: int) -> None:
        """Let it be another day."""
        self._shift.by = shift_to(day).by

    async def round(self) -> int:
        """Run each loop once; how much there was to do."""
        total = 0
        for loop in LOOPS:
            began_at = time.perf_counter()
            total += await run_safely(loop, self._context) or 0
            took = time.perf_counter() - began_at
            self.longest[loop.name] = max(took, self.longest.get(loop.name, 0.0))
        return total

    async def go_round(self, over: asyncio.Event, *, rest_seconds: float) -> None:
        """Go round until it is over."""
        while not over.is_set():
            await self.round()
            await asyncio.sleep(rest_seconds)
