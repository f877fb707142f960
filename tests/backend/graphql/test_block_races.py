"""Blocks that are filled in at the same time."""

import asyncio
from typing import Any

import pytest

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Conflict, InvalidInput, Unavailable
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.services.blocks.documents import Filling, upsert_document
from headgate_server.services.blocks.sealing import Sealer
from tests.backend.graphql.test_block_access import holding, on_block
from tests.factories.blocks import fill, refused
from tests.factories.databases import somebody_waits
from tests.factories.estates import Estate
from tests.factories.mutations import Json, mutate
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

SHOWN = """query ($id: ID!) {
  node(id: $id) { ... on Workspace { blockDocument(reference: "login/own") { data } } } }"""


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


async def _is_held(task: "asyncio.Task[Any]", work: UnitOfWork) -> bool:
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


async def test_right_on_one_block_ends_with_it_though_another_takes_its_name(
    installation: Installation, estate: Estate
) -> None:
    made = await fill(estate, "own", {"host": "h"})
    held = on_block(estate, BuiltinRole.DEVELOPER, made["blockDocument"]["id"])
    api = await holding(installation, estate, held)
    place: Json = {"workspaceId": estate.ids[Kind.WORKSPACE], "typeSlug": "login", "name": "own"}
    data = {"host": "mine"}
    asked = {**place, "data": data, "idempotencyKey": "once"}

    # Whoever sends a key waits behind the table of keys, having found the block by then.
    async with installation.database.system() as work:
        await work.connection.exec_driver_sql("lock table idempotency_keys in exclusive mode")
        asking = asyncio.create_task(refused(api, "blockDocumentUpsert", **asked))
        await eventually(lambda: _is_held(asking, work), what="the holder who waits")
        await mutate(
            estate.bound, "blockDocumentDelete", "deletedId", id=made["blockDocument"]["id"]
        )
        await fill(estate, "own", {"host": "theirs"})

    error = await asking
    found = await estate.bound.execute(SHOWN, id=estate.ids[Kind.WORKSPACE])
    assert error["code"] == "FORBIDDEN"
    assert found.data["node"]["blockDocument"]["data"] == {"host": "theirs"}
