"""Who waits for two limits, beside many who want one of them each: it gets its turn."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from headgate_server.domain.concurrency_limits import lease_id_of
from tests.backend.services.test_concurrency_limits import ask, give_back, put, turns
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

LONG = timedelta(days=1)
IN_LINE = 3


@dataclass
class Limit:
    """A limit of one, who has it until when, and who waits for it alone."""

    name: str
    holder: str
    until: float
    line: list[str] = field(default_factory=list[str])


async def acquires(world: World, *names: str, key: str) -> bool:
    return (await ask(world, *names, key=key, patience=LONG, ttl=LONG)).is_acquired


async def serve(world: World, limits: list[Limit], *, until: float) -> bool:
    """Let those have their slots whose turn it is; whether that is the one who waits for two."""
    by_id = {lease_id_of(key, owner=None): key for limit in limits for key in limit.line}
    by_id[lease_id_of("both", owner=None)] = "both"
    for id_ in await turns(world, *by_id.values()):
        key = by_id[id_]
        if key == "both":
            if await acquires(world, "a", "b", key=key):
                return True
            continue
        (limit,) = [one for one in limits if key in one.line]
        if await acquires(world, limit.name, key=key):
            limit.line.remove(key)
            limit.holder, limit.until = key, until
    return False


@pytest.mark.parametrize(("held", "spread"), [(120, 0), (600, 0.5)])
async def test_who_waits_for_two_is_served_in_a_time_that_slots_are_held(
    world: World, held: int, spread: float
) -> None:
    chance = Random(held)  # noqa: S311  chance, no secret
    limits = [Limit("a", "first-a", held), Limit("b", "first-b", held * 0.4)]
    for limit in limits:
        await put(world, limit.name)
        await ask(world, limit.name, key=limit.holder, ttl=LONG)
    assert not await acquires(world, "a", "b", key="both")

    longest = round(held * (1 + spread))
    for seconds in range(0, 12 * longest, held // 12):
        world.shift.by = timedelta(seconds=seconds)
        for limit in limits:
            while len(limit.line) < IN_LINE:
                limit.line.append(key := f"{limit.name}-{seconds}-{len(limit.line)}")
                await acquires(world, limit.name, key=key)
            if limit.holder and limit.until <= seconds:
                await give_back(world, limit.holder)
                limit.holder = ""
        until = seconds + held * chance.uniform(1 - spread, 1 + spread)
        if await serve(world, limits, until=until):
            return
    pytest.fail(f"Who waited for both was not served in {12 * longest} s.")
