"""How long it takes to wrap the keys of many workspaces anew, while secrets are read and sealed.

``COUNT`` workspaces have a key each: 10,000 unless given. Beside the rotation readers unwrap keys
that they have never seen, as replicas that just started do.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from headgate_server.crypto.envelope import make_secret
from headgate_server.crypto.keyfile import KeyFiles
from headgate_server.crypto.providers import Providers
from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database
from headgate_server.domain.errors import HeadgateError
from headgate_server.installation import resolve_urls
from headgate_server.services import workspace_keys
from headgate_server.services.workspace_keys import Keyring
from headgate_server.settings import Settings
from tests.load.figures import Figure
from tests.load.installation import Installation, installed

FIGURES = ("rewrap_s", "rewrap_keys", "rewrap_reads", "rewrap_failed_reads")
COUNT = int(os.environ.get("COUNT", "10000"))
AT_ONCE = 8
READERS = 2
_FILL = """
with made as (
  insert into workspaces (organization_id, id, slug, name)
  select (select id from organizations limit 1), gen_random_uuid(), 'w' || number, 'W'
  from generate_series(1, {count}) number
  returning id
)
select json_agg(id) from made
"""


@dataclass
class Reads:
    """What readers got while the keys were wrapped anew."""

    is_over: bool = False
    count: int = 0
    failures: list[HeadgateError] = field(default_factory=list[HeadgateError])

    async def go_on(self, database: Database, folder: Path, ids: Sequence[UUID]) -> None:
        """Unwrap one key after the other, none of them remembered, until it is over."""
        chance = random.Random(1)  # noqa: S311  no secret
        while not self.is_over:
            keyring = Keyring(Providers([KeyFiles(folder)]))
            workspace_id = chance.choice(ids)
            try:
                await workspace_keys.get_active(
                    lambda id_=workspace_id: database.system(workspace_id=id_), keyring
                )
            except HeadgateError as error:
                self.failures.append(error)
            self.count += 1


async def make_keys(database: Database, keyring: Keyring, ids: Sequence[UUID]) -> None:
    """Give each workspace a key."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(id_: UUID) -> None:
        async with turn:
            await workspace_keys.get_active(lambda: database.system(workspace_id=id_), keyring)

    async with asyncio.TaskGroup() as tasks:
        for id_ in ids:
            tasks.create_task(one(id_))


async def rotate(installation: Installation, ids: Sequence[UUID]) -> list[Figure]:
    """Make the keys, add a version of the key that wraps them, and wrap them all anew."""
    folder = installation.folder / "dev" / "secrets" / "kek"
    secret = installation.server_settings["HEADGATE_SECRET_KEY"]
    given = Settings(database_url=installation.database_url, secret_key=secret)
    engine = make_engine(resolve_urls(given).system, application_name="load", pool_size=AT_ONCE)
    database = Database(app=engine, system=engine)
    try:
        await make_keys(database, Keyring(Providers([KeyFiles(folder)])), ids)
        newest = folder / "2.key"
        newest.touch(0o600)
        newest.write_bytes(make_secret())
        reads = Reads()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(READERS):
                tasks.create_task(reads.go_on(database, folder, ids))
            began = time.monotonic()
            done = await workspace_keys.rewrap(database, Keyring(Providers([KeyFiles(folder)])))
            seconds = time.monotonic() - began
            reads.is_over = True
    finally:
        await database.dispose()
    return [
        Figure("rewrap_s", "s", [seconds]),
        Figure("rewrap_keys", "keys", [done.key_count]),
        Figure("rewrap_reads", "reads", [reads.count]),
        Figure("rewrap_failed_reads", "reads", [len(reads.failures)]),
    ]


def measure() -> list[Figure]:
    with installed() as installation:
        found = json.loads(installation.query(_FILL.format(count=COUNT)))
        ids = [UUID(id_) for id_ in found]
        return installation.portal.call(rotate, installation, ids)
