"""Idempotency keys on a real database: one effect, however often and however at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import IdempotencyMismatch, InvalidInput
from headgate_server.domain.ids import new_id
from headgate_server.domain.slices import between_slices
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.services import flows
from headgate_server.services.idempotency_keys import once
from tests.factories.databases import shifted
from tests.factories.tenants import Tenant, make_tenant


async def ask(
    database: Database,
    tenant: Tenant,
    *,
    key: str | None = "k",
    operation: str = "flowCreate",
    body: object = None,
    fails: bool = False,
) -> tuple[dict[str, Any], bool]:
    """Make a flow of a fresh name under a key, and return its id."""
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:

        async def carry_out() -> dict[str, Any]:
            flow, _ = await flows.upsert_flow(work, name=f"flow {new_id()}")
            if fails:
                raise InvalidInput
            return {"id": str(flow.id)}

        return await once(work, operation=operation, key=key, body=body, carry_out=carry_out)


async def count_flows(database: Database, tenant: Tenant) -> int:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        return await flows.count_flows(work)


async def test_same_key_and_body_gets_the_first_answer(database: Database) -> None:
    tenant = await make_tenant(database)

    first, is_first_repeated = await ask(database, tenant, body={"a": 1, "b": 2})
    second, is_second_repeated = await ask(database, tenant, body={"b": 2, "a": 1})

    assert second == first
    assert (is_first_repeated, is_second_repeated) == (False, True)
    assert await count_flows(database, tenant) == 1


async def test_twenty_calls_at_once_have_one_effect(database: Database) -> None:
    tenant = await make_tenant(database)

    answers = await asyncio.gather(*(ask(database, tenant) for _ in range(20)))

    assert len({answer["id"] for answer, _ in answers}) == 1
    assert sum(not is_repeated for _, is_repeated in answers) == 1
    assert await count_flows(database, tenant) == 1


async def test_long_body_is_told_from_another_part_by_part(database: Database) -> None:
    tenant = await make_tenant(database)
    steps: list[None] = []

    async def note() -> None:
        steps.append(None)

    token = between_slices.set(note)
    try:
        await ask(database, tenant, body=[{"a": number, "b": 0} for number in range(3)])
    finally:
        between_slices.reset(token)
    _, is_repeated = await ask(
        database, tenant, body=[{"b": 0, "a": number} for number in range(3)]
    )
    with pytest.raises(IdempotencyMismatch):
        await ask(database, tenant, body=[{"a": number, "b": 0} for number in (0, 2, 1)])

    assert is_repeated
    assert len(steps) == 2


async def test_same_key_with_another_body_is_refused(database: Database) -> None:
    tenant = await make_tenant(database)
    await ask(database, tenant, body={"a": 1})

    with pytest.raises(IdempotencyMismatch):
        await ask(database, tenant, body={"a": 2})

    assert await count_flows(database, tenant) == 1


async def test_failed_call_leaves_no_key_behind(database: Database) -> None:
    tenant = await make_tenant(database)

    with pytest.raises(InvalidInput):
        await ask(database, tenant, fails=True)
    _, is_repeated = await ask(database, tenant)

    assert not is_repeated
    assert await count_flows(database, tenant) == 1


async def test_keys_of_other_actors_operations_and_workspaces_are_apart(
    database: Database,
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    someone = replace(tenant.owner, actor=Actor(ActorKind.USER, new_id(), "Sam"))

    answers = [
        await ask(database, tenant),
        await ask(database, replace(tenant, owner=someone)),
        await ask(database, tenant, operation="another"),
        await ask(database, other),
        await ask(database, tenant, key=None),
        await ask(database, tenant, key=None),
    ]

    assert [is_repeated for _, is_repeated in answers] == [False] * 6
    assert len({answer["id"] for answer, _ in answers}) == 6


async def test_key_is_kept_for_24_hours(database: Database, urls: DatabaseUrls) -> None:
    tenant = await make_tenant(database)
    first, _ = await ask(database, tenant)

    async with shifted(urls, by=timedelta(hours=23, minutes=59)) as later:
        before, _ = await ask(later, tenant)
    async with shifted(urls, by=timedelta(hours=24)) as later:
        after, is_repeated = await ask(later, tenant, body="another body")

    assert before == first
    assert after != first
    assert not is_repeated


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b"])
async def test_bad_key_is_refused(database: Database, key: str) -> None:
    tenant = await make_tenant(database)

    with pytest.raises(InvalidInput):
        await ask(database, tenant, key=key)
