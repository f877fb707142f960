"""Streams whose connections are cut: ``python -m tests.chaos.streams --seed N``.

Eight writers commit events out of order, some late and some never, and two movers publish them. Two
followers, one over WebSockets and one over event streams, lose their connection at random moments
and go on from their cursor on either of two replicas. In the end each has seen each event once and
in order. Prints one JSON line; answers 1 if that is not so.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from headgate_server.database.engine import make_engine
from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database, Publish
from headgate_server.domain.ids import Kind, show
from headgate_server.embedded.services import EmbeddedServices
from tests.chaos.feeds import Follower, Ledger, by_events, by_socket, dice, move, write
from tests.fixtures.api import serve
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import replica
from tests.fixtures.servers import FAST_SETTINGS
from tests.fixtures.sql import query

WRITERS = 8
LONGEST_SECONDS = 200
_PUBLISHED = """
select coalesce(json_agg(json_build_array(sequence, payload ->> 'name') order by sequence), '[]')
from events where name = 'storm.written'
"""


@dataclass(frozen=True)
class Verdict:
    """What a storm left behind; without events and cuts it proves nothing.

    Args:
        late: events that were written before one that was published earlier.
        unlike: events that a follower missed, saw twice, or saw out of order.
        unpublished: committed events that were not published, and published ones not committed.
    """

    seed: int
    events: int
    rolled_back: int
    late: int
    cuts: int
    unlike: int
    unpublished: int
    gaps: int

    @property
    def is_well(self) -> bool:
        wrong = self.unlike + self.unpublished + self.gaps
        return wrong == 0 and self.events > 0 and self.cuts > 0


async def storm(
    urls: DatabaseUrls, redis_url: str, *, seed: int, events: int, cuts: int
) -> Verdict:
    """Let writers write while connections are cut; then judge."""
    rng = dice(seed)
    ledger = Ledger(events)
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(replica(urls, redis_url)) for _ in range(2)]
        addresses = [await stack.enter_async_context(serve(found.app)) for found in replicas]
        for found in replicas:
            await eventually(lambda bus=found.bus: bus.is_connected, what="The bus")
        first = replicas[0]
        tenant = await first.tenant()
        token = await first.token(tenant)
        workspace_id = show(Kind.WORKSPACE, tenant.workspace_id)
        followers = [
            Follower(carrier, addresses, token, workspace_id, dice(rng.random()))
            for carrier in (by_socket, by_events)
        ]
        database = await stack.enter_async_context(_writers(urls, first.bus.publish))
        async with asyncio.timeout(LONGEST_SECONDS):
            movers = [asyncio.create_task(move(found.database, found.bus)) for found in replicas]
            async with asyncio.TaskGroup() as tasks:
                for _ in range(WRITERS):
                    tasks.create_task(write(database, tenant, ledger, dice(rng.random())))
                for follower in followers:
                    tasks.create_task(follower.endure(cuts // len(followers), ledger))
            await eventually(lambda: _is_moved(urls), within_seconds=30, what="The outbox")
            for mover in movers:
                mover.cancel()
            await asyncio.gather(*movers, return_exceptions=True)
            published = json.loads(await query(urls.owner, _PUBLISHED))
            for follower in followers:
                await follower.finish(published[-1][0])
    return judge(published, ledger, followers, seed=seed)


async def _is_moved(urls: DatabaseUrls) -> bool:
    return await query(urls.owner, "select count(*) from outbox") == 0


@asynccontextmanager
async def _writers(urls: DatabaseUrls, publish: Publish) -> AsyncGenerator[Database]:
    app = make_engine(urls.app, application_name="writers", pool_size=WRITERS)
    database = Database(app=app, system=app, publish=publish)
    yield database
    await database.dispose()


def judge(
    published: list[tuple[int, str]], ledger: Ledger, followers: list[Follower], *, seed: int
) -> Verdict:
    """Compare what was committed, what was published and what was seen."""
    expected = [(int(sequence), name) for sequence, name in published]
    names = [name for _, name in expected]
    unlike = sum(_differences(expected, follower.seen) for follower in followers)
    return Verdict(
        seed=seed,
        events=len(expected),
        rolled_back=ledger.rolled_back,
        late=sum(int(later) < int(earlier) for earlier, later in pairwise(names)),
        cuts=sum(follower.cuts for follower in followers),
        unlike=unlike,
        unpublished=len(set(ledger.committed) ^ set(names)) + len(names) - len(set(names)),
        gaps=sum(follower.gaps for follower in followers),
    )


def _differences(expected: list[tuple[int, str]], seen: list[tuple[int, str]]) -> int:
    missing = len(set(expected) - set(seen))
    doubled = len(seen) - len(set(seen))
    disordered = sum(later[0] <= earlier[0] for earlier, later in pairwise(seen))
    return missing + doubled + disordered + len(set(seen) - set(expected))


async def run(*, seed: int, events: int, cuts: int) -> Verdict:
    """Start servers for one storm."""
    folder = Path(tempfile.mkdtemp(prefix="headgate-storm-"))
    try:
        async with EmbeddedServices(folder, postgres_settings=FAST_SETTINGS) as services:
            urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
            return await storm(urls, services.redis_url, seed=seed, events=events, cuts=cuts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.streams")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--cuts", type=int, default=200)
    given = parser.parse_args(arguments)
    verdict = asyncio.run(run(seed=given.seed, events=given.events, cuts=given.cuts))
    sys.stdout.write(json.dumps(asdict(verdict) | {"is_well": verdict.is_well}) + "\n")
    return 0 if verdict.is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
