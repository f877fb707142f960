"""Days of runs through the whole product, pressed: what is made goes again, and nothing grows."""

from dataclasses import replace

from headgate_server.database.urls import DatabaseUrls
from tests.fixtures.sql import query
from tests.load import passes, sizes
from tests.load.sizes import HOT_TABLE, SLACK_BYTES, TableSize

RUNS = 60
DAYS = 4
MOST_ROUNDS = 5


async def count(urls: DatabaseUrls, table: str) -> int:
    return await query(urls.owner, f"select count(*) from {table}")  # noqa: S608  of this test


async def test_a_day_later_runs_and_whole_days_are_gone(urls: DatabaseUrls) -> None:
    place = await passes.settle_in(urls, days=DAYS, waiting=0)
    first = f"{passes.day_of(0):%Y%m%d}"
    shift = passes.shift_to(0)
    async with passes.opened(urls, shift=shift) as database:
        keeper = passes.Keeper(database, shift)

        for day in range(DAYS):
            keeper.move_to(day)
            told = await passes.make_runs(urls, place, day=day, runs=RUNS)
            assert (told.runs, len(told.claims)) == (RUNS, RUNS)
            for _ in range(MOST_ROUNDS):
                await keeper.round()
            if day == 0:
                assert await count(urls, f"states_{first}") == 4 * RUNS
                assert await count(urls, f"events_{first}") >= 4 * RUNS

    assert await count(urls, "flow_runs") in range(RUNS, 2 * RUNS + 1)
    assert await count(urls, "outbox") == 0
    assert await count(urls, "work_items") == 0
    for parent in ("states", "events"):
        assert await query(urls.owner, f"select to_regclass('{parent}_{first}')") is None, parent


def test_what_grows_is_named() -> None:
    small = TableSize(heap=SLACK_BYTES, indexes=SLACK_BYTES, live=100, dead=0)
    steady = {HOT_TABLE: small, "flow_runs": small, "states": small}
    grown = replace(small, heap=4 * SLACK_BYTES)

    assert sizes.judge_sizes(steady, [steady]) == []
    assert sizes.judge_sizes(steady, [{**steady, "states": grown}]) == [
        "TABLE_GREW: states to 2.0 times what it was"
    ]
    larger = {**steady, HOT_TABLE: replace(small, heap=8 * SLACK_BYTES)}
    assert sizes.judge_sizes(steady, [larger, steady]) == [
        "HOT_TABLE_GREW: work_items to 4.5 times its steady size"
    ]
    assert sizes.judge_dead(0.19) == []
    assert sizes.judge_dead(0.2) == ["DEAD_ROWS: 20% of work_items"]


def test_claims_that_take_longer_while_a_snapshot_is_held_are_named() -> None:
    usual, slow = [0.01] * 100, [0.01] * 98 + [0.04] * 2

    assert sizes.judge_claims(before=usual, held=usual, after=usual) == []
    assert sizes.judge_claims(before=usual, held=slow, after=slow) == [
        "SLOW_WHILE_HELD: claim p99 4.0 times that before",
        "SLOW_AFTERWARDS: claim p99 4.0 times that before",
    ]


def test_looks_that_cost_more_in_all_are_named() -> None:
    usual, seldom = [0.01] * 100, [0.005] * 90 + [0.1] * 10
    slow = [0.01] * 90 + [0.31] * 10

    assert sizes.judge_looks(before=usual, held=seldom, after=usual) == []
    assert sizes.judge_looks(before=usual, held=slow, after=slow) == [
        "SLOW_WHILE_HELD: offer mean 4.0 times that before",
        "SLOW_AFTERWARDS: offer mean 4.0 times that before",
    ]
