"""Who makes keys: nobody whose session, key or membership ends before the key is there.

A caller was found good a moment ago, as the mutation began or a little before; what it asks for is
refused all the same once that has ended, and what ends it waits for a key that is being made.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.ids import Kind, parse, show
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import Principal
from headgate_server.repositories import users
from headgate_server.services import api_keys, askers, login_sessions, members, service_accounts
from tests.factories.databases import somebody_waits
from tests.factories.mutations import Json, mutate
from tests.factories.people import PEPPER, Person
from tests.factories.tenants import Tenant
from tests.fixtures.api import Answer, ApiClient
from tests.fixtures.browsers import Browser
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

CREATE = """mutation ($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) { secret errors { code } } }"""
ROTATE = "mutation ($id: ID!) { apiKeyRotate(input: {id: $id}) { secret errors { code } } }"
SCOPES = frozenset({Scope.ORG_READ})

End = Callable[[UnitOfWork, Tenant, Person], Awaitable[object]]


def wish(owner: str) -> Json:
    return {"ownerId": owner, "name": "late", "scopes": ["ORG_READ"]}


async def make_machine(browser: Browser, tenant: Tenant) -> str:
    place = show(Kind.ORGANIZATION, tenant.organization_id)
    made = await mutate(
        browser, "serviceAccountCreate", "serviceAccount { id }", organizationId=place, name="ci"
    )
    return str(made["serviceAccount"]["id"])


async def sign_out(work: UnitOfWork, tenant: Tenant, person: Person) -> None:
    await login_sessions.sign_out_everywhere(work, user_id=person.id)


async def suspend(work: UnitOfWork, tenant: Tenant, person: Person) -> None:
    await users.set_suspended(work, id_=person.id, is_suspended=True)


async def remove(work: UnitOfWork, tenant: Tenant, person: Person) -> None:
    within = replace(work, organization_id=tenant.organization_id)
    found = await members.find_by_user(within, user_id=person.id)
    assert found is not None
    await members.remove_member(within, granter=tenant.owner, id_=found.id)


async def meanwhile(
    installation: Installation, asking: Awaitable[Any], end: Callable[[UnitOfWork], Awaitable[Any]]
) -> Any:
    """Return what somebody is answered who asks as an end of theirs is about to be committed."""
    async with installation.database.system() as work:
        await end(work)
        asked = asyncio.ensure_future(asking)
        await eventually(lambda: _has_stopped(asked, work), what="the one that asks")
    return await asked


async def _has_stopped(one: "asyncio.Future[Any]", work: UnitOfWork) -> bool:
    return one.done() or await somebody_waits(work)


@pytest.mark.parametrize("end", [sign_out, suspend, remove])
@pytest.mark.parametrize("what", ["own", "of a machine", "rotated"])
async def test_who_has_ended_meanwhile_makes_no_key_and_turns_none(
    installation: Installation,
    browser: Browser,
    person: Person,
    tenant: Tenant,
    end: End,
    what: str,
) -> None:
    mine = show(Kind.USER, person.id)
    machine = await make_machine(browser, tenant)
    made = await mutate(browser, "apiKeyCreate", "apiKey { id }", **wish(machine))
    asking = {
        "own": lambda: browser.execute(CREATE, input=wish(mine)),
        "of a machine": lambda: browser.execute(CREATE, input=wish(machine)),
        "rotated": lambda: browser.execute(ROTATE, id=made["apiKey"]["id"]),
    }[what]

    answer: Answer = await meanwhile(installation, asking(), lambda work: end(work, tenant, person))

    assert answer.code == "UNAUTHENTICATED"


@pytest.mark.parametrize("is_rotated", [False, True], ids=["revoked", "rotated"])
async def test_key_that_has_ended_meanwhile_makes_none(
    installation: Installation,
    tenant: Tenant,
    is_rotated: bool,  # noqa: FBT001
) -> None:
    client: ApiClient = await installation.client(tenant, is_bound=False)
    owner = show(Kind.USER, tenant.owner.actor.id or tenant.organization_id)

    async def end(work: UnitOfWork) -> None:
        within = replace(work, organization_id=tenant.organization_id)
        (key,) = await api_keys.list_own(within, tenant.owner)
        if is_rotated:
            await api_keys.rotate_key(within, granter=tenant.owner, id_=key.id, pepper=PEPPER)
        else:
            await api_keys.revoke_key(within, granter=tenant.owner, id_=key.id)

    answer: Answer = await meanwhile(installation, client.execute(CREATE, input=wish(owner)), end)

    assert answer.code == "UNAUTHENTICATED"


async def test_machine_that_is_deleted_meanwhile_gets_no_key(
    installation: Installation, browser: Browser, tenant: Tenant
) -> None:
    machine = await make_machine(browser, tenant)

    async def end(work: UnitOfWork) -> None:
        within = replace(work, organization_id=tenant.organization_id)
        id_ = parse(machine, kind=Kind.SERVICE_ACCOUNT)
        await service_accounts.delete_service_account(within, granter=tenant.owner, id_=id_)

    answer: Answer = await meanwhile(
        installation, browser.execute(CREATE, input=wish(machine)), end
    )

    assert answer.data["apiKeyCreate"] == {"secret": None, "errors": [{"code": "NOT_FOUND"}]}


async def test_key_that_is_being_made_is_revoked_with_all_others(
    installation: Installation, person: Person, tenant: Tenant
) -> None:
    caller = Principal(
        replace(tenant.owner.actor, id=person.id), tenant.organization_id, None, scopes=SCOPES
    )
    new = NewApiKey(name="late", owner=caller.actor, scopes=SCOPES)
    async with installation.database.system() as work:
        found = await users.find_user(work, id_=person.id)
    assert found is not None

    async def make(work: UnitOfWork) -> None:
        within = replace(work, organization_id=tenant.organization_id)
        await askers.hold(within, caller, owner=new.owner)
        await api_keys.create_key(within, granter=caller, new=new, pepper=PEPPER)

    async def revoke() -> int:
        async with installation.database.system() as work:
            return len(await api_keys.revoke_all(work, user=found))

    assert await meanwhile(installation, revoke(), make) == 1
