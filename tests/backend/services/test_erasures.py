"""Deleting accounts: who is out, who stays an owner, and what no longer names anybody."""

import asyncio
from uuid import UUID

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict, NotFound, Unauthenticated
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.tenancy import ActorKind
from headgate_server.repositories import users
from headgate_server.services import api_keys, erasures, members, people
from headgate_server.services.audit_entries import read, seal, verify
from tests.factories.estates import Estate
from tests.factories.members import everywhere, make_member, make_member_token
from tests.factories.people import PEPPER, make_person, sign_in, who
from tests.factories.tenants import make_tenant
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

NAMES = """
select string_agg(n.table_name || ' ' || left(n.column_name, -5), ',')
from information_schema.columns n
join information_schema.columns i on i.table_name = n.table_name
  and i.table_schema = n.table_schema and i.column_name = left(n.column_name, -5) || '_id'
where n.table_schema = 'public' and n.column_name like '%\\_name' and i.data_type = 'uuid'
"""
OLDER = "update erasures set deleted_at = deleted_at - interval '1 hour'"


async def named(urls: DatabaseUrls, id_: UUID, name: str) -> dict[str, int]:
    """Return in how many rows of which tables a person is named so."""
    found: dict[str, int] = {}
    for pair in (await query(urls.owner, NAMES)).split(","):
        table, _, one = pair.partition(" ")
        named = f"{one}_id = '{id_}' and {one}_name = '{name}'"
        counting = f"select count(*) from {table} where {named}"  # noqa: S608  of the catalogue
        counted = await query(urls.owner, counting)
        if counted:
            found[table] = found.get(table, 0) + counted
    return found


async def delete(database: Database, email: str) -> None:
    async with database.system() as work:
        await erasures.delete_person(work, email=email)


async def email_of(database: Database, id_: UUID | None) -> str:
    async with database.system() as work:
        user = await users.find_user(work, id_=id_) if id_ is not None else None
    assert user is not None
    assert user.email is not None
    return user.email


async def test_deleted_person_is_out_of_everything_at_once(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    cookie = await sign_in(database, person)
    principal = await who(database, cookie)
    async with database.tenant(principal, None) as work:
        before = await members.count_members(work, cap=100)
    member = await make_member(database, tenant, everywhere(BuiltinRole.ADMIN))
    token = await make_member_token(database, tenant, member, pepper=PEPPER)

    await delete(database, person.email)
    await delete(database, await email_of(database, member.principal.actor.id))

    with pytest.raises(Unauthenticated):
        await who(database, cookie)
    with pytest.raises(Unauthenticated):
        await sign_in(database, person)
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=PEPPER)
    async with database.tenant(tenant.owner, None) as work:
        assert await members.count_members(work, cap=100) == before - 1
    async with database.system() as work:
        listed = (await people.list_people(work, page=PageRequest(size=100))).items
    assert person.id not in {row.user.id for row in listed}
    with pytest.raises(NotFound, match="Nobody has this address"):
        await delete(database, person.email)
    assert (await make_person(database, email=person.email)).id != person.id


async def test_last_owner_stays_until_there_is_another(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    person = await make_person(database, owns=other)
    async with database.system() as work:
        await members.add_owner(work, organization_id=tenant.organization_id, user_id=person.id)
    email = await email_of(database, tenant.owner.actor.id)
    await delete(database, email)
    cookie = await sign_in(database, person)

    with pytest.raises(Conflict, match="Name another owner") as refused:
        await delete(database, person.email)

    assert "o-" in str(refused.value)
    assert (await who(database, cookie)).actor.id == person.id
    async with database.system() as work:
        again = await make_person(database, email="eve@example.com")
        await members.add_owner(work, organization_id=tenant.organization_id, user_id=again.id)
    await delete(database, person.email)


async def test_member_of_an_organization_that_nobody_owns_may_go(
    database: Database, urls: DatabaseUrls
) -> None:
    tenant = await make_tenant(database)
    member = await make_member(database, tenant, everywhere(BuiltinRole.VIEWER))
    await query(urls.owner, "delete from role_bindings where builtin_role = 'OWNER'")

    await delete(database, await email_of(database, member.principal.actor.id))

    assert await query(urls.owner, "select count(*) from memberships") == 1


async def test_of_two_owners_that_go_at_once_one_stays(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    email = await email_of(database, tenant.owner.actor.id)

    async def gone(address: str) -> bool:
        try:
            await delete(database, address)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(gone(person.email), gone(email))) == [False, True]


async def erase(database: Database, *, rows_at_once: int = erasures.ROWS_AT_ONCE) -> int:
    steps = erasures.erase_names(database, rows_at_once=rows_at_once)
    return sum([renamed async for renamed in steps])


async def test_name_goes_from_everything_but_the_audit_log(
    installation: Installation, estate: Estate, urls: DatabaseUrls
) -> None:
    database, tenant = installation.database, estate.tenant
    owner_id = tenant.owner.actor.id
    assert owner_id is not None
    await make_person(database, owns=tenant)
    before = await named(urls, owner_id, tenant.owner.actor.display_name)
    assert len(before) > 8, before

    await delete(database, await email_of(database, owner_id))
    at_first = await erase(database)
    await query(urls.owner, OLDER)
    renamed = await erase(database, rows_at_once=3)

    assert at_first == 0
    assert renamed > 0
    after = await named(urls, owner_id, tenant.owner.actor.display_name)
    assert set(after) == {"audit_entries"}
    assert (await named(urls, owner_id, "Deleted person")).keys() >= before.keys() - {
        "audit_entries",
        "api_keys",
        "saved_views",
    }
    assert await query(urls.owner, "select count(*) from erasures") == 0


async def test_log_says_who_was_deleted_and_its_chain_holds(
    database: Database, urls: DatabaseUrls
) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    await sign_in(database, person)
    await seal.seal_waiting(database)

    await delete(database, person.email)
    await query(urls.owner, OLDER)
    await erase(database)
    await seal.seal_waiting(database)

    async with database.tenant(tenant.owner, None) as work:
        page = PageRequest(size=100)
        found = await read.list_entries(work, organization_id=tenant.organization_id, page=page)
    (entry,) = [entry for entry in found.items if entry.action == "user.deleted"]
    assert (entry.actor.kind, entry.target.id) == (ActorKind.SYSTEM, person.id)
    async with database.system() as work:
        verdict = await verify.verify_chain(work, organization_id=tenant.organization_id)
    assert (verdict.problem, verdict.sealed) == (None, len(found.items))
