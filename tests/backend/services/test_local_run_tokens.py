"""Tokens of runs in their caller's own process: they do no more than the caller may by now."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.leases import Phase
from headgate_server.domain.permissions import RUN_SCOPES, BuiltinRole, Scope
from headgate_server.domain.roles import BindingPlace, Holder, HolderKind, Role, builtin_role
from headgate_server.domain.tenancy import RunGrant
from headgate_server.services import api_keys, members, roles
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.organizations import users
from headgate_server.tables.work_pools import work_items
from tests.factories.databases import shifted
from tests.factories.members import Member, everywhere, make_member
from tests.factories.people import PEPPER
from tests.factories.run_tokens import begin_local, make_run_token
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.work_items import make_work_item


async def test_run_token_ends_as_who_began_the_run_leaves_or_is_suspended(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    developer = everywhere(BuiltinRole.DEVELOPER)
    leaver, other = [await make_member(database, tenant, developer) for _ in range(2)]
    run_id, theirs = [await begin_local(database, tenant, one.principal) for one in (leaver, other)]
    below = await make_work_item(database, tenant, phase=Phase.RUNNING)
    async with database.system() as work:
        await work.execute(
            update(flow_runs).where(flow_runs.c.id == below).values(root_run_id=run_id)
        )
    tokens = [await make_run_token(database, tenant, id_) for id_ in (run_id, below, theirs)]
    for token in tokens:
        await api_keys.authenticate(database, token, pepper=PEPPER)

    async with database.tenant(tenant.owner, None) as work:
        await members.remove_member(work, granter=tenant.owner, id_=leaver.id)
    for token in tokens[:2]:
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(database, token, pepper=PEPPER)
    await api_keys.authenticate(database, tokens[2], pepper=PEPPER)

    async with database.system() as work:
        await work.execute(
            update(users)
            .where(users.c.id == other.principal.actor.id)
            .values(suspended_at=work.now)
        )
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, tokens[2], pepper=PEPPER)


async def test_token_from_before_an_upgrade_is_good_until_its_lease_ends(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    run_id = await begin_local(database, tenant, tenant.owner)
    old = await make_run_token(database, tenant, run_id)
    new = await make_run_token(database, tenant, run_id, api_key_id=UUID(int=9))

    assert len(new) > len(old), "it names no key"
    principal = await api_keys.authenticate(database, old, pepper=PEPPER)
    assert principal.run == RunGrant(run_id=run_id, epoch=1, caller=tenant.owner.actor)

    async with database.system() as work:
        await work.execute(update(work_items).where(work_items.c.run_id == run_id).values(epoch=2))
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, old, pepper=PEPPER)


async def test_run_token_does_no_more_than_who_began_the_run_may_by_now(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    here = BindingPlace(tenant.workspace_id)
    member = await make_member(
        database, tenant, (BuiltinRole.DEVELOPER, here), (BuiltinRole.OPERATOR, here)
    )
    run_id = await begin_local(database, tenant, member.principal)
    token = await make_run_token(database, tenant, run_id)
    executing = await make_role(database, tenant, Scope.RUNS_EXECUTE)

    before = await api_keys.authenticate(database, token, pepper=PEPPER)
    await change_role(database, tenant, member, builtin_role(BuiltinRole.DEVELOPER), executing)
    after = await api_keys.authenticate(database, token, pepper=PEPPER)
    await change_role(database, tenant, member, executing, None)

    assert before.scopes == RUN_SCOPES
    lacked = {Scope.VARIABLES_WRITE, Scope.EVENTS_WRITE}
    assert after.scopes == RUN_SCOPES - lacked, "an operator reads variables and artifacts"
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=PEPPER)


async def make_role(database: Database, tenant: Tenant, *scopes: Scope) -> Role:
    async with database.tenant(tenant.owner, None) as work:
        return await roles.upsert_role(
            work, granter=tenant.owner, name="Executor", scopes=frozenset(scopes)
        )


async def change_role(
    database: Database, tenant: Tenant, member: Member, gone: Role, given: Role | None
) -> None:
    """Take a role in the workspace from a member, and give them another."""
    holder = Holder(HolderKind.MEMBERSHIP, member.id)
    place = BindingPlace(tenant.workspace_id)
    async with database.tenant(tenant.owner, None) as work:
        for role, change in ((given, roles.bind_role), (gone, roles.unbind_role)):
            if role is not None:
                await change(
                    work, granter=tenant.owner, holder=holder, role_id=role.id, place=place
                )


async def test_run_token_ends_as_the_key_of_its_run_expires(
    database: Database, urls: DatabaseUrls
) -> None:
    tenant = await make_tenant(database)
    run_id = await begin_local(database, tenant, tenant.owner)
    async with database.tenant(tenant.owner, None) as work:
        new = NewApiKey(
            name="ci",
            owner=tenant.owner.actor,
            scopes=frozenset({Scope.RUNS_EXECUTE}),
            expires_at=work.now + timedelta(hours=1),
        )
        key, _ = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)
    token = await make_run_token(database, tenant, run_id, api_key_id=key.id)

    await api_keys.authenticate(database, token, pepper=PEPPER)
    async with shifted(urls, by=timedelta(hours=1)) as later:
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(later, token, pepper=PEPPER)


async def test_run_token_ends_with_the_key_that_its_run_was_begun_with(database: Database) -> None:
    tenant = await make_tenant(database)
    run_id = await begin_local(database, tenant, tenant.owner)
    new = NewApiKey(name="ci", owner=tenant.owner.actor, scopes=frozenset({Scope.RUNS_WRITE}))
    async with database.tenant(tenant.owner, None) as work:
        key, _ = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)
    token = await make_run_token(database, tenant, run_id, api_key_id=key.id)
    without = await make_run_token(database, tenant, run_id)

    principal = await api_keys.authenticate(database, token, pepper=PEPPER)
    async with database.tenant(tenant.owner, None) as work:
        await api_keys.revoke_key(work, granter=tenant.owner, id_=key.id)

    assert principal.run == RunGrant(
        run_id=run_id, epoch=1, api_key_id=key.id, caller=tenant.owner.actor
    )
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=PEPPER)
    await api_keys.authenticate(database, without, pepper=PEPPER)
