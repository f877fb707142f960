"""Bloat: days of 50 runs a second, pressed into minutes, with a snapshot held for half an hour.

Every run is created, offered, claimed, started, ended, told of, counted and, a day later, deleted
by the product's own statements, beside every loop of a scheduler; old days are dropped. What is
pressed is time: a day's runs come eight times as fast as 50 a second, and autovacuum comes round
eight times as often. A day is shorter by that, too: what matters is that nothing grows with the
runs that went through, and that is seen once as many are deleted as are made.

A snapshot is held on the day after ``BLOAT_DAYS``, while half an hour's runs go through; two days
follow, on which what it left is used again. BLOAT_RUNS_A_DAY=600000 makes all of it four million
runs, a whole day of 50 a second, which takes hours. Fails with the name of what is not bounded.
"""

import asyncio
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import asyncpg

from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.databases import SECRET_KEY
from tests.load import passes, sizes
from tests.load.figures import Figure
from tests.load.passes import Keeper, Place, Told
from tests.load.sizes import HOT_TABLE, Sizes, p99

FIGURES = (
    "bloat_runs",
    "bloat_runs_per_s",
    "bloat_work_items_growth",
    "bloat_tables_growth",
    "bloat_dead_ratio",
    *(
        f"bloat_{what}{when}{kind}"
        for what in ("claim", "offer")
        for when in ("", "_held", "_after")
        for kind in ("", "_p99")
    ),
    *(f"bloat_offer{when}_mean" for when in ("", "_held", "_after")),
)
DAYS = int(os.environ.get("BLOAT_DAYS", "4"))
DAYS_AFTER = 2
RUNS_A_DAY = int(os.environ.get("BLOAT_RUNS_A_DAY", "60000"))
HELD_RUNS = int(os.environ.get("BLOAT_HELD_RUNS", "90000"))
"""What half an hour of 50 a second makes."""
PROBE_SECONDS = int(os.environ.get("BLOAT_PROBE_SECONDS", "30"))
WORKERS = int(os.environ.get("BLOAT_WORKERS", "2"))
LIVE = 2_000
STEADY_AFTER_DAYS = 3
"""As many runs are deleted as are made from the second day on, and reused what they leave."""
PRESSED = 8
AUTOVACUUM_SECONDS = 15
"""What it has not come round to by then, with nothing else to do, is bloat."""
MOST_ROUNDS = 50
"""After a day: whatever is to be done for it is done by then."""
SETTINGS = {"autovacuum_naptime": f"{60 // PRESSED}s"}


def measure() -> Iterator[Figure]:
    if DAYS <= STEADY_AFTER_DAYS:
        message = f"BLOAT_DAYS={DAYS}: days are compared with the {STEADY_AFTER_DAYS}rd; take more."
        raise ValueError(message)
    folder = Path(tempfile.mkdtemp(prefix="headgate-bloat-"))
    try:
        figures, broken = asyncio.run(_measure(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield from figures
    if broken:
        raise sizes.Unbounded("; ".join(broken))


@dataclass
class _Days:
    """A database that days go through, and what was seen of it."""

    urls: DatabaseUrls
    place: Place
    pool: ProcessPoolExecutor
    keeper: Keeper
    connection: Any
    runs: int = 0
    seconds: float = 0.0
    seen: list[Sizes] = field(default_factory=list[Sizes])

    async def run(self, day: int, *, runs: int) -> None:
        """Make runs on a day, as fast as it goes."""
        clock = asyncio.get_running_loop().time
        began_at = clock()
        async with self._kept(day):
            told = await asyncio.gather(
                *(self._work(day, runs // WORKERS, is_paced=False) for _ in range(WORKERS))
            )
        self.runs += sum(one.runs for one in told)
        self.seconds += clock() - began_at

    async def probe(self, day: int) -> Told:
        """Make runs as they come in life; how long it took to hand each out."""
        async with self._kept(day):
            runs = PROBE_SECONDS * passes.RUNS_PER_SECOND
            told = await self._work(day, runs, is_paced=True)
        self.runs += told.runs
        return told

    async def look(self, at: str) -> Sizes:
        """Say how large everything is, and how long the longest rounds of loops took."""
        found = await sizes.read_sizes(self.connection)
        self.seen.append(found)
        slow = sorted(self.keeper.longest.items(), key=lambda one: -one[1])[:3]
        rounds = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slow)
        sys.stderr.write(f"{sizes.line(found, at=at, runs=self.runs)}  longest rounds: {rounds}\n")
        self.keeper.longest.clear()
        return found

    async def settled(self) -> float:
        """Return the share of dead rows once it stops to fall, or when time is up."""
        ratio = 1.0
        for _ in range(AUTOVACUUM_SECONDS):
            await asyncio.sleep(1)
            ratio = (await sizes.read_sizes(self.connection))[HOT_TABLE].dead_ratio
            if ratio < sizes.DEAD_RATIO / 10:
                break
        return ratio

    async def _work(self, day: int, runs: int, *, is_paced: bool) -> Told:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self.pool, _make_runs, self.urls, self.place, day, runs, is_paced
        )

    @asynccontextmanager
    async def _kept(self, day: int) -> AsyncGenerator[None]:
        """Let the loops go round on that day meanwhile."""
        self.keeper.move_to(day)
        over = asyncio.Event()
        going = asyncio.create_task(self.keeper.go_round(over, rest_seconds=1.0))
        yield
        over.set()
        await going
        for _ in range(MOST_ROUNDS):
            if await self.keeper.round() == 0:
                break


def _make_runs(urls: DatabaseUrls, place: Place, day: int, runs: int, is_paced: bool) -> Told:  # noqa: FBT001  handed over by position
    return asyncio.run(passes.make_runs(urls, place, day=day, runs=runs, is_paced=is_paced))


async def _measure(folder: Path) -> tuple[list[Figure], list[str]]:
    async with EmbeddedServices(folder, postgres_settings=SETTINGS) as services:
        urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        place = await passes.settle_in(urls, days=DAYS + 1 + DAYS_AFTER, waiting=LIVE)
        shift = passes.shift_to(0)
        spawn = multiprocessing.get_context("spawn")
        connection, holder = await _connect(urls.owner), await _connect(urls.owner)
        with ProcessPoolExecutor(WORKERS, mp_context=spawn) as pool:
            async with passes.opened(urls, shift=shift) as database:
                days = _Days(urls, place, pool, Keeper(database, shift), connection)
                answer = await _through(days, holder)
        await connection.close()
        await holder.close()
        return answer


async def _through(days: _Days, holder: Any) -> tuple[list[Figure], list[str]]:
    """Let days pass, hold a snapshot for a while, and let more days pass."""
    for day in range(DAYS):
        await days.run(day, runs=RUNS_A_DAY)
        await days.look(f"day {day + 1}")
    before = await days.probe(DAYS)
    await holder.execute("set idle_in_transaction_session_timeout = 0")
    await holder.execute("begin isolation level repeatable read")
    await holder.execute(f"select count(*) from {HOT_TABLE}")  # noqa: S608  a constant
    await days.run(DAYS, runs=HELD_RUNS)
    held = await days.probe(DAYS)
    await days.look("snapshot held")
    await holder.execute("rollback")
    for day in range(DAYS + 1, DAYS + 1 + DAYS_AFTER):
        await days.run(day, runs=RUNS_A_DAY)
        await days.look(f"day {day + 1}")
    after = await days.probe(DAYS + DAYS_AFTER)
    dead = await days.settled()
    figures = _figures(days, dead=dead, told=(before, held, after))
    broken = _broken(days, dead=dead, told=(before, held, after))
    return figures, broken


def _figures(days: _Days, *, dead: float, told: tuple[Told, Told, Told]) -> list[Figure]:
    steady, last = days.seen[STEADY_AFTER_DAYS - 1], days.seen[-1]
    hot = [seen[HOT_TABLE].total / steady[HOT_TABLE].total for seen in days.seen]
    figures = [
        Figure("bloat_runs", "runs", [days.runs]),
        Figure("bloat_runs_per_s", "runs/s", [days.runs / days.seconds]),
        Figure("bloat_work_items_growth", "times the steady size", hot),
        Figure(
            "bloat_tables_growth",
            "times the steady size",
            list(sizes.growth(steady, last).values()),
        ),
        Figure("bloat_dead_ratio", "of all rows", [dead]),
    ]
    for when, one in zip(("", "_held", "_after"), told, strict=True):
        for what, samples in (("claim", one.claims), ("offer", one.offers)):
            figures.append(Figure(f"bloat_{what}{when}", "s", samples))
            figures.append(Figure(f"bloat_{what}{when}_p99", "s", [p99(samples)]))
        figures.append(Figure(f"bloat_offer{when}_mean", "s", [fmean(one.offers)]))
    return figures


def _broken(days: _Days, *, dead: float, told: tuple[Told, Told, Told]) -> list[str]:
    """Return the names of what is not bounded."""
    steady, held = days.seen[STEADY_AFTER_DAYS - 1], days.seen[DAYS]
    before, during, after = told
    return [
        *sizes.judge_sizes(steady, days.seen[STEADY_AFTER_DAYS:DAYS]),
        *sizes.judge_sizes(sizes.larger(steady, held), days.seen[DAYS + 1 :]),
        *sizes.judge_dead(dead),
        *sizes.judge_claims(before=before.claims, held=during.claims, after=after.claims),
        *sizes.judge_looks(before=before.offers, held=during.offers, after=after.offers),
    ]


async def _connect(url: str) -> Any:
    return cast("Any", await asyncpg.connect(url))  # pyright: ignore[reportUnknownMemberType] - it ships no types
