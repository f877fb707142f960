"""Looks gathered: few reads for many streams, and to each what is its own."""

import asyncio
from uuid import uuid4

import pytest

from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database
from headgate_server.dispatch.looks import Looks
from headgate_server.domain.errors import Unavailable
from headgate_server.services import agents
from tests.factories.deployments import make_session
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

SESSIONS = 40
NOBODY_LISTENS = "postgresql://nobody@127.0.0.1:1/nothing"


def reads(statements: list[str]) -> int:
    return sum("from agent_sessions session" in statement for statement in statements)


@pytest.mark.parametrize("is_woken", [True, False])
async def test_streams_that_look_at_once_share_reads(
    world: World, statements: list[str], *, is_woken: bool
) -> None:
    async with world.work() as work:
        ids = [await make_session(work, world.deployed) for _ in range(SESSIONS)]
    await world.create(2)
    offered = await world.offer([ids[7]])
    looks = Looks(database=world.database)
    statements.clear()

    workspace = world.tenant.workspace_id
    seen = await asyncio.gather(
        *(looks.look(workspace, session_id, is_woken=is_woken) for session_id in ids)
    )

    assert reads(statements) == 1
    assert [one.session.id for one in seen if one.session] == ids
    assert [one.waiting.offers for one in seen] == [
        offered if session_id == ids[7] else [] for session_id in ids
    ]


async def test_stream_that_was_woken_takes_along_those_that_wait(
    world: World, statements: list[str]
) -> None:
    async with world.work() as work:
        other = await make_session(work, world.deployed)
    looks = Looks(database=world.database)
    workspace = world.tenant.workspace_id
    statements.clear()

    waiting = asyncio.create_task(looks.look(workspace, other, is_woken=False))
    seen = await looks.look(workspace, world.session_id, is_woken=True)
    along = await waiting

    assert seen.session is not None
    assert along.session is not None
    assert (seen.session.id, along.session.id) == (world.session_id, other)
    assert reads(statements) == 1


async def test_nothing_is_seen_of_sessions_that_have_ended_or_are_elsewhere(world: World) -> None:
    async with world.work() as work:
        ended = await make_session(work, world.deployed)
        await agents.leave(work, session_id=ended)
    await world.create()
    await world.offer()
    looks = Looks(database=world.database)
    workspace = world.tenant.workspace_id

    gone, stranger, own = await asyncio.gather(
        looks.look(workspace, ended, is_woken=True),
        looks.look(uuid4(), world.session_id, is_woken=True),
        looks.look(workspace, world.session_id, is_woken=True),
    )

    assert (gone.session, stranger.session) == (None, None)
    assert stranger.waiting.offers == []
    assert len(own.waiting.offers) == 1


async def test_each_is_told_that_the_database_is_away() -> None:
    engine = make_engine(NOBODY_LISTENS, application_name="tests", pool_size=1)
    looks = Looks(database=Database(app=engine, system=engine))

    answers = await asyncio.gather(
        *(looks.look(uuid4(), uuid4(), is_woken=True) for _ in range(3)), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [Unavailable] * 3
    await engine.dispose()
