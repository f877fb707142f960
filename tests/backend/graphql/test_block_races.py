"""Blocks that are filled in at the same time."""

import asyncio

import pytest

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Conflict, InvalidInput, Unavailable
from headgate_server.services.blocks.documents import Filling, upsert_document
from headgate_server.services.blocks.sealing import Sealer
from tests.factories.blocks import fill
from tests.factories.databases import somebody_waits
from tests.factories.estates import Estate
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio


async def refer(work: UnitOfWork, name: str, *, to: str) -> None:
    await upsert_document(
        work,
        type_slug="login",
        name=name,
        filling=Filling({"inner": {"$ref": f"login/{to}"}}),
        sealer=Sealer("pepper", None),
        may_use=lambda _: True,
    )


async def refer_alone(installation: Installation, estate: Estate, name: str, *, to: str) -> None:
    async with installation.database.system(workspace_id=estate.tenant.workspace_id) as work:
        await refer(work, name, to=to)


async def test_two_who_refer_to_each_other_at_once_make_no_circle(
    installation: Installation, estate: Estate
) -> None:
    for name in ("first", "second"):
        await fill(estate, name, {"host": "h"})

    async with installation.database.system(workspace_id=estate.tenant.workspace_id) as work:
        await refer(work, "first", to="second")
        later = asyncio.create_task(refer_alone(installation, estate, "second", to="first"))
        async with installation.database.system() as other:
            await eventually(
                lambda: _is_held(later, other), what="the second who waits for the first"
            )

    with pytest.raises(InvalidInput, match="does not refer to itself"):
        await later


async def _is_held(task: "asyncio.Task[None]", work: UnitOfWork) -> bool:
    assert not task.done()
    return await somebody_waits(work)


async def test_of_two_who_make_one_block_at_once_one_does(
    installation: Installation, estate: Estate
) -> None:
    async def make(host: str) -> bool:
        async with installation.database.system(workspace_id=estate.tenant.workspace_id) as work:
            try:
                await upsert_document(
                    work,
                    type_slug="login",
                    name="lock",
                    filling=Filling({"host": host}),
                    sealer=Sealer("pepper", None),
                    may_use=lambda _: True,
                    expected_version=0,
                )
            except Unavailable:
                return await make(host)
            except Conflict as conflict:
                return conflict.existing_id is None
        return True

    assert sorted(await asyncio.gather(make("a"), make("b"), make("c"))) == [False, False, True]
