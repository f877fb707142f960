"""Tokens of agents' sessions and of what they run: good for as long as the session's key is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.api_keys import WITHHELD, NewApiKey
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.leases import Phase
from headgate_server.domain.permissions import (
    AGENT_SESSION_SCOPES,
    RUN_SCOPES,
    BuiltinRole,
    Scope,
)
from headgate_server.domain.roles import BindingPlace, Holder, HolderKind, ObjectKind, builtin_role
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import agents
from headgate_server.services import api_keys, roles, service_accounts, work_pools
from headgate_server.tables.work_pools import work_items
from tests.factories.agents import make_session
from tests.factories.databases import shifted
from tests.factories.people import PEPPER
from tests.factories.run_tokens import begin_local, make_run_token, make_session_token
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.work_items import make_work_item

AGENT = builtin_role(BuiltinRole.AGENT)
ENDS_IN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Machine:
    """An agent's session that a machine opened with its key, and a run that the session holds."""

    database: Database
    tenant: Tenant
    holder: Holder
    pool_id: UUID
    key_id: UUID
    session: str
    run: str

    async def check(self, *, is_there: bool, database: Database | None = None) -> None:
        """Go on only if the session is good, and its run may read secrets; or if neither."""
        found = await api_keys.authenticate(database or self.database, self.run, pepper=PEPPER)
        assert found.scopes == RUN_SCOPES - (frozenset() if is_there else frozenset(WITHHELD))
        assert found.run is not None
        assert found.run.may_start == is_there
        if is_there:
            await api_keys.authenticate(database or self.database, self.session, pepper=PEPPER)
            return
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(database or self.database, self.session, pepper=PEPPER)

    async def unbind(self, place: BindingPlace) -> None:
        async with self.database.tenant(self.tenant.owner, self.tenant.workspace_id) as work:
            await roles.unbind_role(
                work,
                granter=self.tenant.owner,
                holder=self.holder,
                role_id=AGENT.id,
                place=place,
            )

    async def rotate(self, overlap: timedelta) -> None:
        async with self.database.tenant(self.tenant.owner, None) as work:
            await api_keys.rotate_key(
                work,
                granter=self.tenant.owner,
                id_=self.key_id,
                pepper=PEPPER,
                overlap=overlap,
            )


async def make_machine(
    database: Database,
    *,
    is_pools: bool = False,
    on: ObjectKind | None = None,
    ends_in: timedelta | None = None,
) -> Machine:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        pool_id = (await work_pools.upsert_work_pool(work, name="p", type_="process"))[0].id
    place = place_of(tenant, pool_id if on is not None else None)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        account = await service_accounts.create_service_account(
            work, organization_id=tenant.organization_id, name="Machine"
        )
        holder = Holder(HolderKind.SERVICE_ACCOUNT, account.id)
        await roles.bind_role(
            work, granter=tenant.owner, holder=holder, role_id=AGENT.id, place=place
        )
        new = NewApiKey(
            name="agents",
            owner=Actor(ActorKind.SERVICE_ACCOUNT, account.id, "Machine"),
            scopes=AGENT_SESSION_SCOPES,
            workspace_id=tenant.workspace_id,
            work_pool_id=pool_id if is_pools else None,
            expires_at=work.now + ends_in if ends_in is not None else None,
        )
        key, _ = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)
    session_id = await make_session(database, tenant, work_pool_id=pool_id, api_key_id=key.id)
    run_id = await make_work_item(database, tenant, phase=Phase.RUNNING)
    async with database.system() as work:
        leased = update(work_items).where(work_items.c.run_id == run_id)
        await work.execute(leased.values(session_id=session_id))
    return Machine(
        database,
        tenant,
        holder,
        pool_id,
        key.id,
        await make_session_token(database, tenant, session_id),
        await make_run_token(database, tenant, run_id),
    )


def place_of(tenant: Tenant, pool_id: UUID | None) -> BindingPlace:
    kind = ObjectKind.WORK_POOL if pool_id is not None else None
    return BindingPlace(tenant.workspace_id, kind, pool_id)


@asynccontextmanager
async def machine_after(
    database: Database, urls: DatabaseUrls, by: timedelta, machine: Machine
) -> AsyncGenerator[Database]:
    async with shifted(urls, by=by) as later:
        await machine.check(is_there=True)
        yield later


async def test_session_and_what_it_runs_lose_what_their_key_s_machine_loses(
    database: Database,
) -> None:
    machine = await make_machine(database)
    await machine.check(is_there=True)

    await machine.unbind(place_of(machine.tenant, None))

    await machine.check(is_there=False)


async def test_role_on_the_session_s_pool_is_enough(database: Database) -> None:
    machine = await make_machine(database, on=ObjectKind.WORK_POOL)
    await machine.check(is_there=True)

    await machine.unbind(place_of(machine.tenant, machine.pool_id))

    await machine.check(is_there=False)


async def test_session_and_what_it_runs_end_as_the_key_expires(
    database: Database, urls: DatabaseUrls
) -> None:
    machine = await make_machine(database, ends_in=ENDS_IN)
    found = await api_keys.authenticate(database, machine.session, pepper=PEPPER)
    of_run = await api_keys.authenticate(database, machine.run, pepper=PEPPER)

    async with machine_after(database, urls, ENDS_IN, machine) as later:
        await machine.check(is_there=False, database=later)
    assert found.expires_at is not None
    assert found.expires_at == of_run.expires_at, "so sockets close by then"


async def test_session_and_what_it_runs_end_with_the_secret_that_opened_it(
    database: Database, urls: DatabaseUrls
) -> None:
    at_once, later_on = [await make_machine(database) for _ in range(2)]

    await at_once.rotate(timedelta())
    await later_on.rotate(ENDS_IN)

    await at_once.check(is_there=False)
    async with machine_after(database, urls, ENDS_IN, later_on) as later:
        await later_on.check(is_there=False, database=later)
    new = await make_session(
        database,
        at_once.tenant,
        work_pool_id=at_once.pool_id,
        api_key_id=at_once.key_id,
        secret_number=2,
    )
    token = await make_session_token(database, at_once.tenant, new)
    await api_keys.authenticate(database, token, pepper=PEPPER)


async def test_session_of_a_pool_s_own_key_outlives_its_maker_s_rights(
    database: Database,
) -> None:
    machine = await make_machine(database, is_pools=True)

    await machine.unbind(place_of(machine.tenant, None))
    await machine.check(is_there=True)

    async with database.tenant(machine.tenant.owner, None) as work:
        await api_keys.revoke_key(work, granter=machine.tenant.owner, id_=machine.key_id)
    await machine.check(is_there=False)


async def test_instance_that_registers_anew_is_behind_the_key_that_it_shows_now(
    database: Database,
) -> None:
    machine = await make_machine(database)
    tenant, pool_id = machine.tenant, machine.pool_id
    found: list[UUID] = []
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        agent_id = await agents.upsert_agent(work, work_pool_id=pool_id, name="one")
        for key_id, number in ((machine.key_id, 1), (UUID(int=9), 2)):
            new = agents.NewSession(
                instance_id=UUID(int=5),
                queue_ids=None,
                capacity=1,
                labels={},
                sdk_version="1.0",
                host=None,
                api_key_id=key_id,
                secret_number=number,
                pool_version=1,
            )
            session, _ = await agents.upsert_session(
                work, agent_id=agent_id, work_pool_id=pool_id, session=new
            )
            found.append(session.id)
    token = await make_session_token(database, tenant, found[0])

    assert found[0] == found[1]
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=PEPPER)


async def test_local_run_ends_with_the_secret_that_it_was_begun_with(database: Database) -> None:
    tenant = await make_tenant(database)
    run_id = await begin_local(database, tenant, tenant.owner)
    new = NewApiKey(name="ci", owner=tenant.owner.actor, scopes=frozenset({Scope.RUNS_WRITE}))
    async with database.tenant(tenant.owner, None) as work:
        key, shown = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)
    before = await api_keys.authenticate(database, shown, pepper=PEPPER)
    async with database.tenant(tenant.owner, None) as work:
        _, turned = await api_keys.rotate_key(
            work, granter=tenant.owner, id_=key.id, pepper=PEPPER, overlap=ENDS_IN
        )
    old, after = [
        await api_keys.authenticate(database, one, pepper=PEPPER) for one in (shown, turned)
    ]
    tokens = [
        await make_run_token(
            database, tenant, run_id, api_key_id=key.id, secret_number=one.secret_number
        )
        for one in (before, after)
    ]
    for token in tokens:
        await api_keys.authenticate(database, token, pepper=PEPPER)

    async with database.tenant(tenant.owner, None) as work:
        await api_keys.rotate_key(
            work, granter=tenant.owner, id_=key.id, pepper=PEPPER, overlap=ENDS_IN
        )

    assert old.expires_at is not None, "its sockets close as the overlap ends"
    assert (before.expires_at, after.expires_at) == (None, None)
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, tokens[0], pepper=PEPPER)
    await api_keys.authenticate(database, tokens[1], pepper=PEPPER)
