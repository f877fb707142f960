"""Runs made ahead that came due while no API served: the catch-up of their schedules decides."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.leases import Offer
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.specs import IntervalSpec
from headgate_server.services import upkeep
from headgate_server.services.flow_runs.create import RunRequest, create_run
from headgate_server.services.leases import offer
from headgate_server.services.schedules.missed import return_missed
from headgate_server.settings import Timers
from headgate_server.tables.events import control_plane
from headgate_server.tables.work_pools import work_items
from tests.factories.deployments import Deployed, make_session
from tests.factories.events import recorded
from tests.factories.schedules import EVERY_5, MINUTE, NOON, Scene, set_scene
from tests.fixtures.sql import query

EVERY_MINUTE = replace(EVERY_5, slug="each", spec=IntervalSpec(MINUTE, NOON))


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with set_scene(urls) as scene:
        async with scene.database.system() as work:
            await work.execute(update(control_plane).values(last_served_at=NOON))
        yield scene


async def serve(scene: Scene) -> int:
    """Come back as an API does; return how many runs were taken back."""
    missed = await return_missed(scene.database)
    await note(scene)
    return missed


async def note(scene: Scene) -> None:
    async with scene.database.system() as work:
        await upkeep.note_service(work, grace=Timers().outage_grace)


async def session(scene: Scene) -> UUID:
    one = scene.deployment
    assert one.work_pool_id is not None
    assert one.work_queue_id is not None
    deployed = Deployed(one.flow_id, one.id, one.work_pool_id, one.work_queue_id)
    async with scene.database.tenant(scene.tenant.owner, scene.tenant.workspace_id) as work:
        return await make_session(work, deployed, capacity=100)


async def offered(scene: Scene, session_id: UUID) -> list[Offer]:
    assert scene.deployment.work_pool_id is not None
    async with scene.database.system(workspace_id=scene.tenant.workspace_id) as work:
        return await offer.offer_runs(
            work,
            work_pool_id=scene.deployment.work_pool_id,
            groups={None: [session_id]},
            most=100,
            offer_ttl=timedelta(seconds=15),
        )


@pytest.mark.parametrize(
    ("catch_up", "starts", "missed"),
    [
        (CatchUp(CatchUpPolicy.SKIP), 1, 9),
        (CatchUp(CatchUpPolicy.LATEST), 2, 8),
        (CatchUp(CatchUpPolicy.ALL, max=4), 5, 5),
        (CatchUp(CatchUpPolicy.ALL), 10, 0),
    ],
)
async def test_catch_up_decides_on_runs_that_were_made_ahead_of_an_outage(
    scene: Scene, catch_up: CatchUp, starts: int, missed: int
) -> None:
    made = await scene.put(replace(EVERY_MINUTE, catch_up=catch_up))
    await scene.tick()
    session_id = await session(scene)
    assert scene.hands.at is not None
    scene.hands.at += timedelta(minutes=10, seconds=30)

    early = await offered(scene, session_id)
    assert await serve(scene) == 9
    await scene.tick()
    late = await offered(scene, session_id)

    assert len(early) == 1, "what came due within the last minute is late, not missed"
    assert len(early) + len(late) == starts
    assert (await scene.schedule(made.id)).missed_count == missed
    events = await recorded(scene.database, scene.tenant)
    told = [payload for name, _, payload in events if name == "schedule.missed"]
    assert [payload["missed"] for payload in told] == ([missed] if missed else [])
    assert [name for name, _, _ in events].count("flow_run.deleted") == 9
    assert len(await scene.ledger()) == 25
    assert await serve(scene) == 0


@pytest.mark.parametrize(
    ("catch_up", "missed", "made"),
    [
        (CatchUp(CatchUpPolicy.SKIP), 4, []),
        (CatchUp(CatchUpPolicy.LATEST), 3, ["12:04"]),
        (CatchUp(CatchUpPolicy.ALL, max=4), 0, ["12:01", "12:02", "12:03", "12:04"]),
        (CatchUp(CatchUpPolicy.ALL), 0, ["12:01", "12:02", "12:03", "12:04"]),
    ],
)
async def test_what_ran_before_the_schedulers_were_back_is_neither_missed_nor_caught_up(
    scene: Scene, catch_up: CatchUp, missed: int, made: list[str]
) -> None:
    schedule = await scene.put(replace(EVERY_MINUTE, catch_up=catch_up))
    await scene.tick()
    session_id = await session(scene)
    assert scene.hands.at is not None
    scene.hands.at += timedelta(minutes=5, seconds=30)
    assert await serve(scene) == 4
    for minute in range(5, 13):
        scene.hands.at = NOON + timedelta(minutes=minute, seconds=31)
        await note(scene)
        assert len(await offered(scene, session_id)) == 1
    scene.hands.at += timedelta(minutes=1)

    await scene.tick()

    found = await scene.schedule(schedule.id)
    early = [start for start in await scene.starts() if start < "12:05"]
    told = [
        (payload["missed"], payload["caughtUp"])
        for name, _, payload in await recorded(scene.database, scene.tenant)
        if name == "schedule.missed"
    ]
    assert (found.missed_count, early) == (missed, made)
    assert told == ([(missed, len(made) + 1)] if missed else [])


async def test_what_catch_up_has_made_is_not_taken_back_and_is_offered_at_once(
    scene: Scene,
) -> None:
    await scene.put(replace(EVERY_MINUTE, catch_up=CatchUp(CatchUpPolicy.ALL)))
    await scene.tick()
    session_id = await session(scene)
    assert scene.hands.at is not None
    scene.hands.at += timedelta(minutes=10, seconds=30)
    assert await return_missed(scene.database) == 9
    await scene.tick()

    assert await return_missed(scene.database) == 0

    assert len(await offered(scene, session_id)) == 10


async def test_what_a_person_asked_for_and_what_waited_before_still_runs(scene: Scene) -> None:
    await scene.put(EVERY_MINUTE)
    await scene.tick()
    session_id = await session(scene)
    async with scene.database.system() as work:
        await work.execute(
            update(control_plane).values(last_served_at=NOON + MINUTE + timedelta(seconds=5))
        )
    async with scene.database.tenant(scene.tenant.owner, scene.tenant.workspace_id) as work:
        own = await create_run(
            work,
            RunRequest(deployment_id=scene.deployment.id, expected_start=NOON + 3 * MINUTE),
        )
    assert scene.hands.at is not None
    scene.hands.at += timedelta(minutes=5, seconds=30)

    assert await serve(scene) == 3
    await scene.tick()
    found = await offered(scene, session_id)

    assert own.id in {one.run_id for one in found}
    assert await scene.starts() == (
        ["12:01", "12:03", "12:05", *(f"12:{at:02}" for at in range(6, 21))]
    )
    assert len(found) == 3


async def test_short_silence_leaves_everything_as_it_is(scene: Scene) -> None:
    await scene.put(EVERY_MINUTE)
    await scene.tick()
    assert scene.hands.at is not None
    scene.hands.at += timedelta(seconds=59)

    assert await serve(scene) == 0
    assert len(await scene.starts()) == 15


async def test_replicas_that_come_back_together_count_once(scene: Scene) -> None:
    made = [await scene.put(replace(EVERY_MINUTE, slug=f"s{number}")) for number in range(20)]
    await scene.tick()
    assert scene.hands.at is not None
    scene.hands.at += timedelta(minutes=10, seconds=30)

    missed = await asyncio.gather(*(serve(scene) for _ in range(4)), scene.tick())
    await scene.tick()

    assert sum(missed[:4]) == 20 * 9
    for one in made:
        assert (await scene.schedule(one.id)).missed_count == 9


async def test_run_that_was_moved_or_taken_up_is_left_alone(scene: Scene) -> None:
    await scene.put(EVERY_MINUTE)
    await scene.tick()
    await scene.take_up(NOON + 2 * MINUTE)
    async with scene.database.system() as work:
        await work.execute(
            update(work_items)
            .where(work_items.c.due_at == NOON + 4 * MINUTE)
            .values(due_at=NOON + 4 * MINUTE + timedelta(seconds=1))
        )
    assert scene.hands.at is not None
    scene.hands.at += timedelta(minutes=10, seconds=30)

    assert await serve(scene) == 7
    assert (await scene.starts())[:2] == ["12:02", "12:04"]


TOO_MANY = """
do $$
begin
  create function refuse_many() returns trigger language plpgsql as $refuse$
  begin
    if (select count(distinct schedule_id) from gone) > 1 then
      raise exception 'It takes too long' using errcode = 'query_canceled';
    end if;
    return null;
  end $refuse$;
  create trigger refuse_many after delete on schedule_fires
    referencing old table as gone for each statement execute function refuse_many();
end $$
"""


async def test_what_takes_too_long_for_all_schedules_is_taken_back_schedule_by_schedule(
    scene: Scene, urls: DatabaseUrls
) -> None:
    for slug in ("one", "two", "three"):
        await scene.put(replace(EVERY_MINUTE, slug=slug))
    await scene.tick()
    await query(urls.owner, TOO_MANY)
    assert scene.hands.at is not None
    scene.hands.at += timedelta(minutes=10, seconds=30)

    assert await serve(scene) == 3 * 9
    assert await serve(scene) == 0
