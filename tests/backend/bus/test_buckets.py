"""Buckets of points: shared by replicas through a real Valkey, and alone without one."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from headgate_server.bus import buckets
from headgate_server.bus.buckets import SLICE_SECONDS, Allowance, Buckets
from tests.chaos.world import through
from tests.fixtures.deadlines import eventually
from tests.fixtures.proxy import Proxy, Weather
from tests.fixtures.redis_client import connect

pytestmark = pytest.mark.anyio

SLOW = Allowance(capacity=100, per_second=0.001)
FAST = Allowance(capacity=100, per_second=10)


@pytest.fixture
async def replicas(redis_url: str) -> AsyncGenerator[list[Buckets]]:
    found = [Buckets(redis_url) for _ in range(5)]
    yield found
    for one in found:
        await one.close()


async def granted(replicas: list[Buckets], *, cost: int, allowance: Allowance, times: int) -> int:
    """Return how many of so many requests each were granted, asked in turn."""
    taken = [
        await replica.take("key:a", cost=cost, allowance=allowance)
        for _ in range(times)
        for replica in replicas
    ]
    return sum(one.is_granted for one in taken)


async def test_replicas_share_a_bucket(replicas: list[Buckets]) -> None:
    assert await granted(replicas, cost=10, allowance=SLOW, times=4) == 10


async def test_replicas_exceed_a_bucket_by_no_more_than_a_slice_each(
    replicas: list[Buckets],
) -> None:
    slice_ = FAST.per_second * SLICE_SECONDS

    many = await granted(replicas, cost=1, allowance=FAST, times=60)

    assert 100 - 5 * slice_ <= many <= 100 + 5 * slice_ + FAST.per_second


async def test_what_is_refused_takes_nothing_and_says_when(replicas: list[Buckets]) -> None:
    buckets = replicas[0]
    await buckets.take("key:a", cost=90, allowance=SLOW)

    refused = await buckets.take("key:a", cost=11, allowance=SLOW)
    allowed = await buckets.take("key:a", cost=10, allowance=SLOW)

    assert (refused.is_granted, int(refused.remaining)) == (False, 10)
    assert refused.wait_seconds == pytest.approx(1000, abs=1)
    assert allowed.is_granted


async def test_calls_at_once_take_what_they_cost_and_no_more(replicas: list[Buckets]) -> None:
    person = replace(SLOW, capacity=300, per_second=30)

    asked = [replicas[0].take("key:a", cost=2, allowance=person) for _ in range(140)]
    found = await asyncio.gather(*asked)
    rest = await replicas[1].take("key:a", cost=10, allowance=person)

    assert [one.is_granted for one in found] == [True] * 140
    assert rest.is_granted


async def test_what_is_left_of_a_slice_counts_for_the_next_call(replicas: list[Buckets]) -> None:
    slow = replace(SLOW, per_second=7 / SLICE_SECONDS)

    taken = [(await replicas[0].take("key:a", cost=5, allowance=slow)) for _ in range(20)]

    assert [one.is_granted for one in taken] == [True] * 20


async def test_who_may_go_into_debt_is_not_refused_for_what_others_took(
    replicas: list[Buckets],
) -> None:
    indebted = replace(SLOW, debt=100)

    assert await granted(replicas, cost=10, allowance=SLOW, times=4) == 10
    assert await granted(replicas, cost=10, allowance=indebted, times=4) == 10

    refused = await replicas[0].take("key:a", cost=10, allowance=SLOW)
    assert (refused.is_granted, round(refused.remaining)) == (False, -100)
    assert refused.wait_seconds == pytest.approx(110_000, abs=100)
    last = await replicas[0].take("key:a", cost=10, allowance=indebted)
    assert last.wait_seconds == pytest.approx(10_000, abs=100)


async def test_debt_of_a_replica_that_is_alone_ends_somewhere() -> None:
    alone = Buckets()
    await alone.take("key:a", cost=100, allowance=SLOW)

    taken = [
        (await alone.take("key:a", cost=60, allowance=replace(SLOW, debt=100))).is_granted
        for _ in range(2)
    ]

    assert taken == [True, False]


async def test_keys_have_buckets_of_their_own(replicas: list[Buckets]) -> None:
    await replicas[0].take("key:a", cost=100, allowance=SLOW)

    other = await replicas[1].take("key:b", cost=100, allowance=SLOW)

    assert other.is_granted


async def test_a_cost_above_the_capacity_takes_a_full_bucket(replicas: list[Buckets]) -> None:
    first = await replicas[0].take("key:a", cost=500, allowance=SLOW)
    second = await replicas[0].take("key:a", cost=1, allowance=SLOW)

    assert (first.is_granted, second.is_granted) == (True, False)


async def test_without_redis_each_replica_counts_alone() -> None:
    here, there = Buckets("redis://127.0.0.1:1"), Buckets()

    taken = [await one.take("key:a", cost=60, allowance=SLOW) for one in (here, there, here, there)]

    assert [one.is_granted for one in taken] == [True, True, False, False]
    await here.close()


async def test_nobody_waits_for_redis_while_it_is_away_and_it_is_used_again_when_it_is_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "AWAY_SECONDS", 0.0)
    with Proxy() as proxy:
        link = proxy.link("redis", urlsplit(redis_url).port or 0)
        link.weather = Weather(is_refusing=True)
        found = Buckets(through(redis_url, port=link.port), prefix="away")
        assert (await found.take("key:a", cost=1, allowance=SLOW)).is_granted

        for _ in range(10):
            taking = found.take("key:a", cost=1, allowance=SLOW)
            with pytest.raises(StopIteration):
                # It would hand a future to the event loop if it waited for anything.
                taking.send(None)
            await asyncio.sleep(0)
        link.heal()

        async def is_shared() -> bool:
            await found.take("key:a", cost=1, allowance=SLOW)
            with connect(redis_url) as client:
                return bool(client.exists("away:bucket:key:a"))

        await eventually(is_shared, what="A bucket in Redis")
        await found.close()
