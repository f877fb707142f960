"""Tokens of agent sessions and runs on a real database: live as long as what they are for."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain import api_keys as keys
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import InvalidInput, NotFound, OldGeneration, Unauthenticated
from headgate_server.domain.leases import Phase
from headgate_server.domain.permissions import AGENT_SESSION_SCOPES, RUN_SCOPES, Scope
from headgate_server.domain.tenancy import Actor, ActorKind, RunGrant
from headgate_server.services import api_keys, generations, work_pools
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.work_pools import agent_sessions, work_items
from tests.factories.agents import make_session
from tests.factories.databases import shifted
from tests.factories.people import PEPPER
from tests.factories.run_tokens import make_run_token, make_session_token
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.work_items import make_work_item


async def make_pool(database: Database, tenant: Tenant) -> UUID:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        return (await work_pools.upsert_work_pool(work, name="p", type_="process"))[0].id


async def make_agent_key(
    database: Database, tenant: Tenant, *, pool_id: UUID
) -> tuple[keys.ApiKey, str]:
    new = NewApiKey(
        name="agents",
        owner=tenant.owner.actor,
        scopes=AGENT_SESSION_SCOPES,
        workspace_id=tenant.workspace_id,
        work_pool_id=pool_id,
    )
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        return await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)


async def test_agent_key_opens_its_pool_only(database: Database) -> None:
    tenant = await make_tenant(database)
    pool_id = await make_pool(database, tenant)
    key, token = await make_agent_key(database, tenant, pool_id=pool_id)

    principal = await api_keys.authenticate(database, token, pepper=PEPPER)

    assert token.startswith("hg_agent_")
    assert principal.workspace_id == tenant.workspace_id
    assert principal.work_pool_id == pool_id
    assert principal.scopes == AGENT_SESSION_SCOPES
    assert principal.api_key_id == key.id


async def test_agent_key_for_a_foreign_pool_or_with_more_scopes_is_refused(
    database: Database,
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    foreign, own = await make_pool(database, other), await make_pool(database, tenant)
    wide = NewApiKey(
        name="agents",
        owner=tenant.owner.actor,
        scopes=AGENT_SESSION_SCOPES | {Scope.RUNS_READ},
        workspace_id=tenant.workspace_id,
        work_pool_id=own,
    )

    with pytest.raises(NotFound):
        await make_agent_key(database, tenant, pool_id=foreign)
    with pytest.raises(InvalidInput):
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            await api_keys.create_key(work, granter=tenant.owner, new=wide, pepper=PEPPER)


async def test_session_token_speaks_for_its_session(database: Database) -> None:
    tenant = await make_tenant(database)
    pool_id = await make_pool(database, tenant)
    key, _ = await make_agent_key(database, tenant, pool_id=pool_id)
    session_id = await make_session(database, tenant, work_pool_id=pool_id, api_key_id=key.id)
    token = await make_session_token(database, tenant, session_id)

    principal = await api_keys.authenticate(database, token, pepper=PEPPER)

    assert principal.actor.kind is ActorKind.AGENT_SESSION
    assert principal.actor.id == session_id
    assert principal.agent_session_id == session_id
    assert (principal.organization_id, principal.workspace_id, principal.work_pool_id) == (
        tenant.organization_id,
        tenant.workspace_id,
        pool_id,
    )
    assert principal.scopes == AGENT_SESSION_SCOPES


async def test_session_token_dies_with_its_session_key_or_time(
    database: Database, urls: DatabaseUrls
) -> None:
    tenant = await make_tenant(database)
    pool_id = await make_pool(database, tenant)
    key, _ = await make_agent_key(database, tenant, pool_id=pool_id)
    one, two = [
        await make_session(database, tenant, work_pool_id=pool_id, api_key_id=key.id)
        for _ in range(2)
    ]
    first, second = [await make_session_token(database, tenant, id_) for id_ in (one, two)]

    async with shifted(urls, by=timedelta(minutes=30)) as later:
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(later, first, pepper=PEPPER)
    async with database.system() as work:
        await work.execute(
            update(agent_sessions).where(agent_sessions.c.id == one).values(ended_at=work.now)
        )
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, first, pepper=PEPPER)
    await api_keys.authenticate(database, second, pepper=PEPPER)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await api_keys.revoke_key(work, granter=tenant.owner, id_=key.id)
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, second, pepper=PEPPER)


async def test_run_token_speaks_for_its_run_under_its_epoch(database: Database) -> None:
    tenant = await make_tenant(database)
    run_id = await make_work_item(database, tenant, phase=Phase.CLAIMED, epoch=3)

    principal = await api_keys.authenticate(
        database, await make_run_token(database, tenant, run_id, epoch=3), pepper=PEPPER
    )

    assert principal.actor == Actor(ActorKind.RUN, run_id, "run")
    assert principal.run == RunGrant(run_id=run_id, epoch=3)
    assert principal.scopes == RUN_SCOPES
    assert principal.workspace_id == tenant.workspace_id
    for epoch in (2, 4):
        token = await make_run_token(database, tenant, run_id, epoch=epoch)
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(database, token, pepper=PEPPER)


async def test_run_token_of_an_unleased_run_or_another_workspace_is_refused(
    database: Database,
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    ready = await make_work_item(database, tenant, phase=Phase.READY)
    leased = await make_work_item(database, tenant, phase=Phase.RUNNING)

    for token in (
        await make_run_token(database, tenant, ready),
        await make_run_token(database, other, leased),
    ):
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(database, token, pepper=PEPPER)


async def test_run_token_outlives_its_run_by_a_minute_for_repeated_reports(
    database: Database, urls: DatabaseUrls
) -> None:
    tenant = await make_tenant(database)
    run_id = await make_work_item(database, tenant, phase=Phase.RUNNING, epoch=2)
    async with database.system() as work:
        await work.execute(delete(work_items).where(work_items.c.run_id == run_id))
        await work.execute(
            update(flow_runs)
            .where(flow_runs.c.id == run_id)
            .values(state_type="COMPLETED", ended_at=work.now)
        )
    token = await make_run_token(database, tenant, run_id, epoch=2)

    principal = await api_keys.authenticate(database, token, pepper=PEPPER)

    assert principal.run == RunGrant(run_id=run_id, epoch=2)
    assert principal.scopes == {Scope.RUNS_EXECUTE, Scope.LOGS_WRITE}, "it tells again, and no more"
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(
            database, await make_run_token(database, tenant, run_id), pepper=PEPPER
        )
    async with shifted(urls, by=timedelta(minutes=1)) as later:
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(later, token, pepper=PEPPER)


async def test_tokens_from_before_a_restore_are_refused_with_a_code_of_their_own(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    pool_id = await make_pool(database, tenant)
    session_id = await make_session(database, tenant, work_pool_id=pool_id)
    run_id = await make_work_item(database, tenant, phase=Phase.RUNNING)
    before = [
        await make_session_token(database, tenant, session_id),
        await make_run_token(database, tenant, run_id),
    ]
    for token in before:
        await api_keys.authenticate(database, token, pepper=PEPPER)

    async with database.system() as work:
        begun = await generations.start_generation(work, lease=timedelta(seconds=90))

    assert (begun.sessions, begun.leases) == (1, 1)
    for token in before:
        with pytest.raises(OldGeneration) as refused:
            await api_keys.authenticate(database, token, pepper=PEPPER)
        assert refused.value.code == "OLD_GENERATION"
