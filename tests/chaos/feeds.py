"""Who takes part in a storm of streams: writers, movers, and followers whose connection is cut."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.domain.events import NewEvent
from headgate_server.services import events, upkeep
from tests.factories.tenants import Tenant
from tests.fixtures.api import SUBPROTOCOL

FOLLOW = """subscription ($id: ID!, $after: Cursor, $start: StreamStart!) {
  workspaceEvents(workspaceId: $id, after: $after, start: $start) {
    cursor gap events { sequence payload } } }"""
EVENTS_A_WRITE = 5
LONG_SHARE, DOOMED_SHARE = 0.15, 0.1
HELD_FOR_COMMITS = 12
MOST_HOLDERS = 4
"""Somebody must be left to end the transactions that the others wait for."""
LONGEST_LIFE_SECONDS = 0.06
OUTBOX_SECONDS = 0.05

Json = dict[str, Any]


class Doomed(Exception):
    """Rolls a transaction back."""


def dice(seed: float) -> random.Random:
    """Return what decides by chance, the same way for the same seed."""
    return random.Random(seed)  # noqa: S311 - chance, not secrecy


@dataclass
class Ledger:
    """What writers may write by now, and what they have committed."""

    total: int
    allowed: int = 0
    begun: int = 0
    committed: list[str] = field(default_factory=list[str])
    rolled_back: int = 0
    commits: int = 0
    holders: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def allow(self, allowed: int) -> None:
        """Let the writers go on up to so many events."""
        async with self.changed:
            self.allowed = max(self.allowed, min(allowed, self.total))
            self.changed.notify_all()

    async def take(self, most: int) -> list[int]:
        """Return the numbers of the next events to write, once they may be; none at the end."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.begun < self.allowed or self._is_full())
            first = self.begun
            self.begun = min(self.begun + most, self.allowed)
            return list(range(first, self.begun))

    async def note(self, names: list[str], *, is_kept: bool) -> None:
        """Note the end of a transaction."""
        async with self.changed:
            self.commits += 1
            if is_kept:
                self.committed += names
            else:
                self.rolled_back += len(names)
            self.changed.notify_all()

    async def hold(self, commits: int) -> None:
        """Return once others have ended so many transactions, or cannot end any more."""
        async with self.changed:
            if self.holders >= MOST_HOLDERS:
                return
            self.holders += 1
            until = self.commits + commits
            await self.changed.wait_for(lambda: self.commits >= until or self.begun >= self.allowed)
            self.holders -= 1

    def _is_full(self) -> bool:
        return self.begun >= self.total


async def write(database: Database, tenant: Tenant, ledger: Ledger, rng: random.Random) -> None:
    """Write events in transactions of which some last long and some are rolled back."""
    while numbers := await ledger.take(rng.randint(1, EVENTS_A_WRITE)):
        names = [str(number) for number in numbers]
        kind = rng.random()
        try:
            async with database.tenant(tenant.owner, tenant.workspace_id) as work:
                new = [
                    NewEvent("storm.written", f"storm_{name}", {"kind": "storm"}, {"name": name})
                    for name in names
                ]
                await events.record_events(work, new)
                if kind < LONG_SHARE:
                    await ledger.hold(HELD_FOR_COMMITS)
                elif kind > 1 - DOOMED_SHARE:
                    raise Doomed
        except Doomed:
            await ledger.note(names, is_kept=False)
        else:
            await ledger.note(names, is_kept=True)


async def move(database: Database, bus: Bus) -> None:
    """Publish what is committed, in competition with other movers, until cancelled."""
    async with bus.listen(channels.OUTBOX) as listener:
        while True:
            async with database.system() as work:
                moved = await upkeep.publish_events(work)
            if not moved:
                await listener.wait(OUTBOX_SECONDS)


class Carrier(Protocol):
    """Brings the batches of one subscription until it ends or is cut."""

    def __call__(
        self, address: str, *, token: str, variables: Json, life_seconds: float | None
    ) -> AsyncGenerator[Json]:
        """Yield batches; a life of None is not cut short."""
        ...


async def by_socket(
    address: str, *, token: str, variables: Json, life_seconds: float | None
) -> AsyncGenerator[Json]:
    """Follow over a WebSocket."""
    async with connect(
        f"ws://{address}/graphql",
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        ping_interval=None,
    ) as raw:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        await raw.send(json.dumps(init))
        await raw.recv()
        payload = {"query": FOLLOW, "variables": variables}
        await raw.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        with _cut(raw.transport.abort, after_seconds=life_seconds):
            while True:
                try:
                    message = json.loads(await raw.recv())
                except ConnectionClosed:
                    return
                if message["type"] != "ping":
                    assert message["type"] == "next", message
                    yield message["payload"]


async def by_events(
    address: str, *, token: str, variables: Json, life_seconds: float | None
) -> AsyncGenerator[Json]:
    """Follow over an event stream."""
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
    body = {"query": FOLLOW, "variables": variables}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{address}/graphql", json=body, headers=headers) as response,
    ):
        assert response.connection is not None
        assert response.connection.transport is not None
        with _cut(response.connection.transport.abort, after_seconds=life_seconds):
            try:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        yield json.loads(line.removeprefix(b"data: "))
            except aiohttp.ClientError:
                return


@contextmanager
def _cut(abort: Callable[[], None], *, after_seconds: float | None) -> Generator[None]:
    timer = None
    if after_seconds is not None:
        timer = asyncio.get_running_loop().call_later(after_seconds, abort)
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()


@dataclass
class Follower:
    """A client that resumes by cursor: what it has seen, whatever became of its connections."""

    carrier: Carrier
    addresses: list[str]
    token: str
    workspace_id: str
    rng: random.Random
    seen: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    cursor: str | None = None
    gaps: int = 0
    cuts: int = 0

    async def endure(self, cuts: int, ledger: Ledger) -> None:
        """Follow over connections that are cut; each one cut lets the writers write on."""
        share = ledger.total / cuts
        while self.cuts < cuts:
            await ledger.allow(round(share * (self.cuts + 1)))
            await self._follow(self.rng.uniform(0, LONGEST_LIFE_SECONDS))
            self.cuts += 1

    async def finish(self, last: int) -> None:
        """Follow until an event has come."""
        if not self.seen or self.seen[-1][0] < last:
            await self._follow(None, last=last)

    async def _follow(self, life_seconds: float | None, *, last: int | None = None) -> None:
        variables = {"id": self.workspace_id, "after": self.cursor, "start": "OLDEST"}
        address = self.rng.choice(self.addresses)
        stream = self.carrier(
            address, token=self.token, variables=variables, life_seconds=life_seconds
        )
        async with aclosing(stream) as answers:
            async for answer in answers:
                assert not answer.get("errors"), answer
                batch = answer["data"]["workspaceEvents"]
                self.cursor = batch["cursor"]
                self.gaps += batch["gap"]
                self.seen += [
                    (int(event["sequence"]), event["payload"]["name"]) for event in batch["events"]
                ]
                if last is not None and self.seen and self.seen[-1][0] >= last:
                    return
