"""What operators do for people: who is suspended is out, and comes back; helped, made, unmade."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from headgate_server.database.work import Database
from headgate_server.domain.audit_entries import AuditEntry
from headgate_server.domain.errors import Conflict, NotFound, Unauthenticated
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.domain.tenancy import ActorKind
from headgate_server.repositories import users
from headgate_server.services import api_keys, people
from headgate_server.services.audit_entries import read
from headgate_server.services.schedules.fire import materialise
from headgate_server.services.schedules.upsert import upsert_schedule
from tests.factories.members import everywhere, make_member, make_member_token
from tests.factories.people import PEPPER, enrol, make_person, sign_in, who
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.world import World


async def entries_of(database: Database, tenant: Tenant) -> list[AuditEntry]:
    async with database.tenant(tenant.owner, None) as work:
        page = PageRequest(size=100)
        found = await read.list_entries(work, organization_id=tenant.organization_id, page=page)
    return list(found.items)


async def test_suspended_person_is_out_until_they_are_let_in_again(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    cookie = await sign_in(database, person)

    async with database.system() as work:
        await people.suspend_person(work, email=f" {person.email.upper()}")

    with pytest.raises(Unauthenticated):
        await who(database, cookie)
    with pytest.raises(Unauthenticated):
        await sign_in(database, person)
    async with database.system() as work:
        await people.resume_person(work, email=person.email)
    with pytest.raises(Unauthenticated):
        await who(database, cookie)
    assert (await who(database, await sign_in(database, person))).actor.id == person.id


async def test_keys_of_a_suspended_person_are_refused_and_work_again_later(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    member = await make_member(database, tenant, everywhere(BuiltinRole.ADMIN))
    token = await make_member_token(database, tenant, member, pepper=PEPPER)
    before = await api_keys.authenticate(database, token, pepper=PEPPER)
    async with database.system() as work:
        (email,) = [
            row.user.email
            for row in (await people.list_people(work, page=PageRequest(size=100))).items
            if row.user.id == member.principal.actor.id
        ]
        assert email is not None
        await people.suspend_person(work, email=email)

    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=PEPPER)
    async with database.system() as work:
        await people.resume_person(work, email=email)
    again = await api_keys.authenticate(database, token, pepper=PEPPER)

    assert again.all_rights() == before.all_rights()


async def test_what_a_person_set_up_goes_on_once_they_are_put_out(world: World) -> None:
    """Nothing of theirs is orphaned: their schedules fire, and runs that they asked for start."""
    tenant = world.tenant
    wanted = ScheduleRequest(slug="often", spec=timedelta(minutes=5))
    async with world.work() as work:
        await upsert_schedule(work, deployment_id=world.deployed.deployment_id, wanted=wanted)
    await world.create()
    async with world.system() as work:
        user = await users.find_user(work, id_=tenant.owner.actor.id or new_id())
        assert user is not None
        await people.suspend_person(work, email=str(user.email))

    async with world.system() as work:
        await materialise(work, horizon=timedelta(minutes=15), limit=10)
        waiting = await work.execute(text("select count(*) from work_items where phase = 'READY'"))
    offered = await world.offer()

    assert waiting.scalar_one() >= 4
    assert len(offered) == 1


async def test_lost_second_factor_is_taken_away_and_every_session_ends(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    cookie = await enrol(database, person)

    async with database.system() as work:
        await people.remove_second_factor(work, email=person.email)

    with pytest.raises(Unauthenticated):
        await who(database, cookie)
    await sign_in(database, person)
    async with database.system() as work:
        with pytest.raises(Conflict):
            await people.remove_second_factor(work, email=person.email)


async def test_operator_that_was_is_signed_out_and_is_none_any_more(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    async with database.system() as work:
        await people.set_operator(work, email=person.email, is_operator=True)
    cookie = await sign_in(database, person)
    assert (await who(database, cookie)).is_operator

    async with database.system() as work:
        await people.set_operator(work, email=person.email, is_operator=False)

    with pytest.raises(Unauthenticated):
        await who(database, cookie)
    assert not (await who(database, await sign_in(database, person))).is_operator


async def test_each_change_is_written_once_in_the_log_of_the_person_s_organizations(
    database: Database,
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    person = await make_person(database, owns=tenant)
    await enrol(database, person)
    email = person.email

    for change in (
        people.suspend_person,
        people.suspend_person,
        people.resume_person,
        people.resume_person,
        people.end_sessions,
        people.remove_second_factor,
    ):
        asked: Callable[..., Awaitable[object]] = change
        async with database.system() as work:
            await asked(work, email=email)
    for is_operator in (True, True, False, False):
        async with database.system() as work:
            await people.set_operator(work, email=email, is_operator=is_operator)

    found = [
        entry.action
        for entry in await entries_of(database, tenant)
        if entry.actor.kind is ActorKind.SYSTEM and entry.action.startswith("user.")
    ]
    assert sorted(found) == sorted(
        [
            "user.suspended",
            "user.resumed",
            "user.signed_out",
            "user.second_factor_removed",
            "user.made_operator",
            "user.operator_ended",
        ]
    )
    assert not [e for e in await entries_of(database, other) if e.action.startswith("user.")]


@pytest.mark.parametrize(
    "change", [people.suspend_person, people.end_sessions, people.remove_second_factor]
)
async def test_nobody_of_an_address_is_told_as_such(
    database: Database, change: Callable[..., Awaitable[object]]
) -> None:
    async with database.system() as work:
        with pytest.raises(NotFound, match="Nobody has this address"):
            await change(work, email="nobody@example.com")


async def test_everybody_is_listed_with_their_standing(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    await enrol(database, person)
    async with database.system() as work:
        await people.set_operator(work, email=person.email, is_operator=True)
        await people.suspend_person(work, email=person.email)

    async with database.system() as work:
        rows = (await people.list_people(work, page=PageRequest(size=100))).items

    (row,) = [row for row in rows if row.user.id == person.id]
    assert (row.organization_count, row.has_second_factor, row.is_operator) == (1, True, True)
    assert row.suspended_at is not None
    assert row.last_seen_at is not None
