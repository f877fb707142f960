"""Assets on a real database: history, lineage, freshness, sent twice, and what retention leaves."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from headgate_server.domain.assets import (
    Asset,
    AssetProperties,
    MaterializationReport,
    NewMaterialization,
)
from headgate_server.domain.errors import Forbidden, InvalidInput, LeaseLost, VersionConflict
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import MAX_LISTED, Beginning, PageRequest
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories.retention import Kept
from headgate_server.services import assets, retention
from tests.factories.events import recorded
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

RAW, ORDERS, REPORT = "s3://bucket/raw", "s3://bucket/orders", "https://example.com/report"


def made(*keys: str, **given: Any) -> MaterializationReport:
    return MaterializationReport(tuple(NewMaterialization(new_id(), key) for key in keys), **given)


async def report(
    world: World, one: MaterializationReport, grant: RunGrant | None = None
) -> list[Asset]:
    async with world.work() as work:
        return await assets.materialize_assets(work, one, grant=grant)


async def find(world: World, key: str) -> Asset:
    async with world.work() as work:
        found = await assets.find_by_key(work, key=key)
    assert found is not None
    return found


async def neighbours(world: World, key: str) -> tuple[list[str], list[str]]:
    asset = await find(world, key)
    async with world.work() as work:
        up = await assets.get_many_upstream(work, [asset.id])
        down = await assets.get_many_downstream(work, [asset.id])
    found = up.get(asset.id, Beginning()), down.get(asset.id, Beginning())
    assert [one.more for one in found] == [0, 0]
    return [one.key for one in found[0].items], [one.key for one in found[1].items]


async def history(world: World, key: str) -> list[bool]:
    asset = await find(world, key)
    async with world.work() as work:
        page = await assets.list_materializations(work, asset_id=asset.id, page=PageRequest())
    return [one.is_success for one in page.items]


async def test_reports_make_assets_a_history_and_lineage(world: World) -> None:
    await report(world, made(ORDERS, upstream=(RAW,)))
    await report(world, made(REPORT, upstream=(ORDERS, RAW), made_by="dbt"))
    await report(world, made(ORDERS, upstream=(RAW,), is_success=False))

    assert await neighbours(world, RAW) == ([], [REPORT, ORDERS])
    assert await neighbours(world, ORDERS) == ([RAW], [REPORT])
    assert await neighbours(world, REPORT) == ([ORDERS, RAW], [])
    assert await history(world, ORDERS) == [False, True]
    assert await history(world, RAW) == []
    assert (await find(world, RAW)).materialized_at is None
    told = [(name, payload) for name, _, payload in await recorded(world.database, world.tenant)]
    assert [one for one in told if one[0].startswith("asset.")] == [
        ("asset.materialized", {"by": None}),
        ("asset.materialized", {"by": "dbt"}),
        ("asset.materialization_failed", {"by": None}),
    ]


async def test_neighbours_that_are_too_many_to_show_are_counted(world: World) -> None:
    keys = sorted(f"s3://bucket/part-{number:03}" for number in range(MAX_LISTED + 2))
    await report(world, made(REPORT, upstream=(ORDERS,)))
    for first in range(0, len(keys), 100):
        await report(world, made(*keys[first : first + 100], upstream=(RAW, REPORT)))
    raw, orders = await find(world, RAW), await find(world, ORDERS)
    async with world.work() as work:
        down = await assets.get_many_downstream(work, [raw.id, orders.id])

    assert [one.key for one in down[raw.id].items] == keys[:MAX_LISTED]
    assert ([one.key for one in down[orders.id].items], down[orders.id].more) == ([REPORT], 0)
    assert down[raw.id].more == 2


async def test_a_report_that_is_sent_again_or_at_once_is_stored_once(world: World) -> None:
    one = made(ORDERS, REPORT, upstream=(RAW,))

    await asyncio.gather(*(report(world, one) for _ in range(5)))

    assert await history(world, ORDERS) == [True]
    assert await neighbours(world, RAW) == ([], [REPORT, ORDERS])


async def test_many_runs_report_the_same_assets_at_once(world: World) -> None:
    keys = [f"s3://bucket/{number}" for number in range(6)]
    reports = [made(*keys[::-1], upstream=(RAW,)), made(*keys, upstream=(RAW,))] * 3

    await asyncio.gather(*(report(world, one) for one in reports))

    assert (await neighbours(world, RAW))[1] == keys


async def test_a_run_s_token_reports_of_its_own_run_while_its_lease_is_held(world: World) -> None:
    lease, other = await world.started(), await world.started()

    await report(world, made(ORDERS), RunGrant(lease.run_id, lease.epoch))
    foreign = made(ORDERS, flow_run_id=other.run_id)
    with pytest.raises(Forbidden):
        await report(world, foreign, RunGrant(lease.run_id, lease.epoch))
    with pytest.raises(LeaseLost):
        await report(world, made(ORDERS), RunGrant(lease.run_id, lease.epoch + 1))

    assert await history(world, ORDERS) == [True]


async def test_freshness_is_what_was_said_and_when_it_was_produced(world: World) -> None:
    async with world.work() as work:
        asset = await assets.upsert_asset(
            work,
            key=ORDERS,
            properties=AssetProperties(name="Orders", owners=("ann",)),
            fresh_for=timedelta(hours=1),
        )
        now = work.now
    assert (asset.is_fresh(now), asset.version) == (False, 2)

    await report(world, made(ORDERS))

    asset = await find(world, ORDERS)
    assert asset.materialized_at is not None
    assert asset.is_fresh(asset.materialized_at + timedelta(minutes=59))
    assert not asset.is_fresh(asset.materialized_at + timedelta(minutes=61))
    async with world.work() as work:
        same = await assets.upsert_asset(work, key=ORDERS, properties=AssetProperties())
        assert (same.version, same.name, same.owners) == (2, "Orders", ("ann",))
        changed = await assets.upsert_asset(
            work, key=ORDERS, properties=AssetProperties(), fresh_for=None, expected_version=2
        )
    assert (changed.fresh_for, changed.is_fresh(now)) == (None, None)
    with pytest.raises(VersionConflict):
        async with world.work() as work:
            await assets.upsert_asset(
                work, key=ORDERS, properties=AssetProperties(name="x"), expected_version=2
            )


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (made("orders"), "an address"),
        (made("s3://a b"), "an address"),
        (made("s3://" + "x" * 512), "512"),
        (made(), "1 to 100 assets"),
        (made(ORDERS, ORDERS), "each once"),
        (made(ORDERS, upstream=(ORDERS,)), "upstream of itself"),
        (made(ORDERS, made_by=""), "printable"),
    ],
)
async def test_what_cannot_be_stored_is_refused(
    world: World, one: MaterializationReport, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await report(world, one)


async def test_deletion_takes_edges_along_and_retention_the_history(world: World) -> None:
    await report(world, made(ORDERS, upstream=(RAW,)))
    await report(world, made(REPORT, upstream=(ORDERS,)))
    world.shift.by = timedelta(days=40)
    days = timedelta(days=30)

    async with world.system() as work:
        kept = Kept(world.tenant.workspace_id, runs=days, logs=days, events=days)
        assert await retention.purge(work, kept) == 2
    assert await history(world, ORDERS) == []
    assert await neighbours(world, ORDERS) == ([RAW], [REPORT])
    orders = await find(world, ORDERS)
    async with world.work() as work:
        await assets.delete_asset(work, id_=orders.id)

    assert await neighbours(world, REPORT) == ([], [])
