"""How many objects an organization may have: refused once full, exact, and without waiting."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.permissions import AGENT_SESSION_SCOPES, Scope
from headgate_server.domain.quotas import QuotaExceeded, QuotaKind
from headgate_server.loops import quotas as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories import users
from headgate_server.services import (
    api_keys,
    closing,
    deletions,
    object_counts,
    quotas,
    service_accounts,
    variables,
    work_pools,
    workspaces,
)
from headgate_server.settings import Timers
from headgate_server.tables.organizations import api_keys as keys
from headgate_server.tables.quotas import object_counts as counts
from headgate_server.tables.quotas import object_deltas as deltas
from headgate_server.tables.variables import variables as rows
from tests.backend.services.test_quotas import limit
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

CREATORS = 8


async def have(world: World, kind: QuotaKind) -> int:
    async with world.work() as work:
        found = await quotas.list_quotas(work, organization_id=world.tenant.organization_id)
    return next(one.used for one in found if one.kind is kind)


async def count(world: World) -> int:
    return await loop.run_once(LoopContext(world.database, world.bus, Timers()))


async def set_variable(world: World, name: str) -> UUID:
    async with world.work() as work:
        made, _ = await variables.set_variable(work, name=name, value=1)
    return made.id


async def test_full_quota_refuses_one_more_and_deleting_makes_room(world: World) -> None:
    await limit(world, variables=2)
    first = await set_variable(world, "one")
    await set_variable(world, "two")

    with pytest.raises(QuotaExceeded) as refused:
        await set_variable(world, "three")
    await set_variable(world, "two")
    async with world.work() as work:
        await variables.delete_variable(work, id_=first)
    await set_variable(world, "three")

    error = refused.value
    assert (error.code, error.kind, error.limit, error.current) == (
        "QUOTA_EXCEEDED",
        QuotaKind.VARIABLES,
        2,
        2,
    )
    assert "operator of this installation may raise it" in error.message
    assert await have(world, QuotaKind.VARIABLES) == 2


async def test_key_that_has_expired_counts_no_more_once_keys_are_counted(world: World) -> None:
    owner = world.tenant.owner
    before = await have(world, QuotaKind.API_KEYS)
    async with world.work() as work:
        new = NewApiKey(
            name="ci",
            owner=owner.actor,
            scopes=frozenset({Scope.RUNS_READ}),
            expires_at=work.now + timedelta(days=1),
        )
        key, _ = await api_keys.create_key(work, granter=owner, new=new, pepper="a pepper")
    await count(world)
    made = await have(world, QuotaKind.API_KEYS)
    async with world.database.system() as work:
        await work.execute(update(keys).where(keys.c.id == key.id).values(expires_at=work.now))
        await work.execute(update(counts).values(counted_at=work.now - timedelta(hours=2)))
    await count(world)

    assert (made, await have(world, QuotaKind.API_KEYS)) == (before + 1, before)


async def test_keys_that_are_revoked_together_give_their_room_back(world: World) -> None:
    owner = world.tenant.owner
    before = await have(world, QuotaKind.API_KEYS)
    async with world.work() as work:
        pool, _ = await work_pools.upsert_work_pool(work, name="going", type_="process")
        own = NewApiKey(name="ci", owner=owner.actor, scopes=frozenset({Scope.RUNS_READ}))
        agents = NewApiKey(
            name="agents",
            owner=owner.actor,
            scopes=AGENT_SESSION_SCOPES,
            workspace_id=work.workspace_id,
            work_pool_id=pool.id,
        )
        for new in (own, own, agents):
            await api_keys.create_key(work, granter=owner, new=new, pepper="a pepper")
    made = await have(world, QuotaKind.API_KEYS)

    async with world.work() as work:
        await deletions.delete_work_pool(work, id_=pool.id)
    without_pool = await have(world, QuotaKind.API_KEYS)
    async with world.database.system() as work:
        user = await users.find_user(work, id_=owner.actor.id or pool.id)
        assert user is not None
        await api_keys.revoke_all(work, user=user)

    assert (made, without_pool) == (before + 3, before + 2)
    assert await have(world, QuotaKind.API_KEYS) == before


async def test_refused_object_is_not_there(world: World) -> None:
    async with world.work() as work:
        await work_pools.upsert_work_pool(work, name="one", type_="process")
    await count(world)
    pools = await have(world, QuotaKind.WORK_POOLS)
    await limit(world, work_pools=pools, service_accounts=1, workspaces=1)
    place = world.tenant.organization_id

    with pytest.raises(QuotaExceeded):
        async with world.work() as work:
            await work_pools.upsert_work_pool(work, name="another", type_="process")
    with pytest.raises(QuotaExceeded):
        async with world.work() as work:
            await workspaces.create_workspace(work, organization_id=place, slug="two", name="Two")
    async with world.database.tenant(world.tenant.owner, None) as work:
        await service_accounts.create_service_account(work, organization_id=place, name="one")
    with pytest.raises(QuotaExceeded):
        async with world.database.tenant(world.tenant.owner, None) as work:
            await service_accounts.create_service_account(work, organization_id=place, name="two")

    async with world.work() as work:
        assert await work_pools.find_by_name(work, name="another") is None
        assert await workspaces.find_by_slug(work, organization_id=place, slug="two") is None


async def test_workspaces_of_an_organization_share_a_quota(world: World) -> None:
    await limit(world, variables=1)
    await set_variable(world, "one")
    async with world.work() as work:
        other = await workspaces.create_workspace(
            work, organization_id=world.tenant.organization_id, slug="two", name="Two"
        )

    with pytest.raises(QuotaExceeded):
        async with world.database.tenant(world.tenant.owner, other.id) as work:
            await variables.set_variable(work, name="two", value=1)


async def test_many_who_make_at_once_exceed_it_by_no_more_than_one_each(world: World) -> None:
    most = 20
    await limit(world, variables=most)

    async def go_on(creator: int) -> int:
        for made in range(most + 1):
            try:
                await set_variable(world, f"v{creator}_{made}")
            except QuotaExceeded:
                return made
        raise AssertionError("Nobody was refused")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(go_on(creator)) for creator in range(CREATORS)]
        while not all(task.done() for task in tasks):
            await count(world)

    made = sum(task.result() for task in tasks)
    assert most <= made < most + CREATORS
    assert await have(world, QuotaKind.VARIABLES) == made
    await count(world)
    assert await have(world, QuotaKind.VARIABLES) == made


async def test_what_went_without_a_note_is_found_when_all_is_counted_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_variable(world, "one")
    await count(world)
    async with world.system() as work:
        await work.execute(delete(rows))
    before = await have(world, QuotaKind.VARIABLES)
    world.shift.by += object_counts.COUNTED_AGAIN_AFTER * 2

    await count(world)

    assert (before, await have(world, QuotaKind.VARIABLES)) == (1, 0)


async def test_deleted_workspace_gives_its_objects_back(world: World) -> None:
    await set_variable(world, "one")
    owner, place = world.tenant.owner, world.tenant.workspace_id
    async with world.database.tenant(owner, place) as work:
        await closing.archive_workspace(work, id_=place, is_archived=True)
        await closing.delete_workspace(work, id_=place)

    await count(world)

    async with world.database.tenant(owner, None) as work:
        found = await object_counts.read_counts(work, organization_id=owner.organization_id)
    assert {found[kind] for kind in (QuotaKind.VARIABLES, QuotaKind.WORKSPACES)} == {0}


async def test_only_what_changed_is_counted(world: World) -> None:
    await count(world)
    idle = await count(world)
    await set_variable(world, "one")

    assert (idle, await count(world)) == (0, 1)
    async with world.system() as work:
        assert (await work.execute(deltas.select())).all() == []
        amounts = {row.kind: row.amount for row in await work.execute(counts.select())}
    assert amounts["VARIABLES"] == 1


async def test_making_an_object_asks_one_statement_more(
    world: World, statements: list[str]
) -> None:
    await count(world)
    statements.clear()

    await set_variable(world, "one")

    asked = [one for one in statements if "object_" in one or "quota" in one]
    assert len(asked) == 1, asked


async def test_room_is_found_by_indexes_alone(world: World) -> None:
    await set_variable(world, "one")
    async with world.system() as work:
        await work.connection.exec_driver_sql("set local enable_seqscan = off")
        plan = await work.connection.exec_driver_sql(
            "explain select sum(amount) from object_deltas "
            "where organization_id = '00000000-0000-0000-0000-000000000000' and kind = 'VARIABLES'"
        )
        lines = [row[0] for row in plan]
    assert any("pk_object_deltas" in line for line in lines), lines
