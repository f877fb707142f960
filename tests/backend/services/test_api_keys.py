"""Keys on a real database: created, rotated, revoked, and what each token opens."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain import api_keys as keys
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.permissions import OWNER_SCOPES, Scope
from headgate_server.domain.tenancy import ActorKind
from headgate_server.services import api_keys, service_accounts
from tests.factories.databases import shifted
from tests.factories.tenants import Tenant, make_tenant

PEPPER = "the pepper of an installation"
READ = frozenset({Scope.FLOWS_READ, Scope.RUNS_READ})


async def make_key(
    database: Database, tenant: Tenant, *, scopes: frozenset[Scope] = READ
) -> tuple[keys.ApiKey, str]:
    new = NewApiKey(name="ci", owner=tenant.owner.actor, scopes=scopes)
    async with database.tenant(tenant.owner, None) as work:
        return await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)


async def test_created_key_authenticates_as_its_owner(database: Database) -> None:
    tenant = await make_tenant(database)
    key, token = await make_key(database, tenant)

    principal = await api_keys.authenticate(database, token, pepper=PEPPER)

    assert principal.actor == tenant.owner.actor
    assert principal.organization_id == tenant.organization_id
    assert principal.workspace_id is None
    assert principal.scopes == READ
    assert principal.api_key_id == key.id
    assert token.startswith(key.prefix)


async def test_secret_is_stored_as_a_hash_only(database: Database) -> None:
    tenant = await make_tenant(database)
    key, token = await make_key(database, tenant)
    secret = token.split("_")[3]

    async with database.system() as work:
        found = await api_keys.stored.find_key_facts(work, id_=key.id)

    assert found is not None
    (stored,) = found.secrets
    assert secret.encode() not in stored.hash
    assert len(stored.hash) == 32


async def test_wrong_secret_unknown_id_and_other_kind_are_refused(database: Database) -> None:
    tenant = await make_tenant(database)
    key, token = await make_key(database, tenant)
    secret = token.split("_")[3]
    forged = [
        keys.key_token(key.id, kind=key.kind, secret=keys.new_secret()),
        keys.key_token(new_id(), kind=key.kind, secret=secret),
        keys.key_token(key.id, kind=keys.TokenKind.AGENT_KEY, secret=secret),
    ]

    for token in forged:
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(database, token, pepper=PEPPER)


async def test_mistyped_token_is_refused_without_a_query(
    database: Database, statements: list[str]
) -> None:
    tenant = await make_tenant(database)
    _, token = await make_key(database, tenant)
    statements.clear()

    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token[:-1], pepper=PEPPER)

    assert statements == []


async def test_revoked_key_is_refused_and_stays_revoked(database: Database) -> None:
    tenant = await make_tenant(database)
    key, token = await make_key(database, tenant)

    async with database.tenant(tenant.owner, None) as work:
        first = await api_keys.revoke_key(work, granter=tenant.owner, id_=key.id)
    async with database.tenant(tenant.owner, None) as work:
        second = await api_keys.revoke_key(work, granter=tenant.owner, id_=key.id)

    assert first.revoked_at is not None
    assert second.revoked_at == first.revoked_at
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=PEPPER)
    with pytest.raises(Conflict):
        async with database.tenant(tenant.owner, None) as work:
            await api_keys.rotate_key(work, granter=tenant.owner, id_=key.id, pepper=PEPPER)


async def test_rotated_key_keeps_its_id_and_loses_its_old_token(database: Database) -> None:
    tenant = await make_tenant(database)
    key, old = await make_key(database, tenant)

    async with database.tenant(tenant.owner, None) as work:
        rotated, new = await api_keys.rotate_key(
            work, granter=tenant.owner, id_=key.id, pepper=PEPPER
        )

    assert rotated.id == key.id
    assert (await api_keys.authenticate(database, new, pepper=PEPPER)).api_key_id == key.id
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, old, pepper=PEPPER)


async def test_replaced_token_does_not_turn_its_key(database: Database) -> None:
    tenant = await make_tenant(database)
    key, old = await make_key(database, tenant)
    async with database.tenant(tenant.owner, None) as work:
        _, new = await api_keys.rotate_key(
            work, granter=tenant.owner, id_=key.id, pepper=PEPPER, overlap=timedelta(hours=1)
        )
    replaced = await api_keys.authenticate(database, old, pepper=PEPPER)

    with pytest.raises(Forbidden, match="was replaced"):
        async with database.tenant(replaced, None) as work:
            await api_keys.rotate_key(work, granter=replaced, id_=key.id, pepper=PEPPER)

    current = await api_keys.authenticate(database, new, pepper=PEPPER)
    async with database.tenant(current, None) as work:
        _, newer = await api_keys.rotate_key(work, granter=current, id_=key.id, pepper=PEPPER)
    assert (await api_keys.authenticate(database, newer, pepper=PEPPER)).api_key_id == key.id


async def test_replaced_token_does_not_end_the_current_one(database: Database) -> None:
    tenant = await make_tenant(database)
    key, old = await make_key(database, tenant)
    async with database.tenant(tenant.owner, None) as work:
        _, new = await api_keys.rotate_key(
            work, granter=tenant.owner, id_=key.id, pepper=PEPPER, overlap=timedelta(hours=1)
        )
    replaced = await api_keys.authenticate(database, old, pepper=PEPPER)

    with pytest.raises(Forbidden, match="was replaced"):
        async with database.tenant(replaced, None) as work:
            await api_keys.revoke_key(work, granter=replaced, id_=key.id)

    current = await api_keys.authenticate(database, new, pepper=PEPPER)
    async with database.tenant(current, None) as work:
        assert (await api_keys.revoke_key(work, granter=current, id_=key.id)).revoked_at


async def test_key_turns_itself_and_none_that_outlives_it(database: Database) -> None:
    tenant = await make_tenant(database)
    endless, _ = await make_key(database, tenant)
    async with database.tenant(tenant.owner, None) as work:
        now = work.now
        ends = [now + timedelta(hours=1), now + timedelta(hours=2)]
        keys = [
            await api_keys.create_key(
                work,
                granter=tenant.owner,
                new=NewApiKey(
                    name="short", owner=tenant.owner.actor, scopes=OWNER_SCOPES, expires_at=end
                ),
                pepper=PEPPER,
            )
            for end in ends
        ]
    (shorter, _), (longer, token) = keys
    holder = await api_keys.authenticate(database, token, pepper=PEPPER)

    with pytest.raises(Forbidden, match="no later"):
        async with database.tenant(holder, None) as work:
            await api_keys.rotate_key(work, granter=holder, id_=endless.id, pepper=PEPPER)
    async with database.tenant(holder, None) as work:
        turned = [
            (await api_keys.rotate_key(work, granter=holder, id_=id_, pepper=PEPPER))[0]
            for id_ in (shorter.id, longer.id)
        ]

    assert [key.expires_at for key in turned] == ends


async def test_key_makes_none_that_outlives_it(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, None) as work:
        ends_at = work.now + timedelta(minutes=5)
        new = NewApiKey(
            name="short", owner=tenant.owner.actor, scopes=OWNER_SCOPES, expires_at=ends_at
        )
        _, token = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)
    holder = await api_keys.authenticate(database, token, pepper=PEPPER)

    async with database.tenant(holder, None) as work:
        for ends in (None, ends_at + timedelta(seconds=1)):
            longer = replace(new, expires_at=ends)
            with pytest.raises(Forbidden, match="Your key ends at"):
                await api_keys.create_key(work, granter=holder, new=longer, pepper=PEPPER)
        made, _ = await api_keys.create_key(work, granter=holder, new=new, pepper=PEPPER)

    assert made.expires_at == ends_at


async def test_expired_key_is_refused(database: Database, urls: DatabaseUrls) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, None) as work:
        new = NewApiKey(
            name="short",
            owner=tenant.owner.actor,
            scopes=READ,
            expires_at=work.now + timedelta(hours=1),
        )
        key, token = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)

    assert (await api_keys.authenticate(database, token, pepper=PEPPER)).api_key_id == key.id
    async with shifted(urls, by=timedelta(hours=1)) as later:
        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(later, token, pepper=PEPPER)


async def test_use_is_noted_at_most_once_a_minute(
    database: Database, urls: DatabaseUrls, statements: list[str]
) -> None:
    tenant = await make_tenant(database)
    _, token = await make_key(database, tenant)

    await api_keys.authenticate(database, token, pepper=PEPPER)
    await api_keys.authenticate(database, token, pepper=PEPPER)
    async with shifted(urls, by=timedelta(minutes=1, seconds=1)) as later:
        await api_keys.authenticate(later, token, pepper=PEPPER)

    assert len([sql for sql in statements if sql.startswith("UPDATE api_keys")]) == 2


async def test_nobody_grants_what_they_lack(database: Database) -> None:
    tenant = await make_tenant(database)
    reader = replace(tenant.owner, scopes=READ)
    new = NewApiKey(
        name="more", owner=tenant.owner.actor, scopes=READ | {Scope.RUNS_WRITE, Scope.ORG_ADMIN}
    )

    with pytest.raises(Forbidden) as refused:
        async with database.tenant(reader, None) as work:
            await api_keys.create_key(work, granter=reader, new=new, pepper=PEPPER)

    assert refused.value.missing_scopes == (Scope.ORG_ADMIN, Scope.RUNS_WRITE)


async def test_key_of_a_workspace_creates_keys_for_that_workspace_only(database: Database) -> None:
    tenant = await make_tenant(database)
    bound = replace(tenant.owner, workspace_id=tenant.workspace_id)
    wide = NewApiKey(name="wide", owner=tenant.owner.actor, scopes=READ)

    with pytest.raises(Forbidden):
        async with database.tenant(bound, tenant.workspace_id) as work:
            await api_keys.create_key(work, granter=bound, new=wide, pepper=PEPPER)
    async with database.tenant(bound, tenant.workspace_id) as work:
        narrow = replace(wide, workspace_id=tenant.workspace_id)
        key, _ = await api_keys.create_key(work, granter=bound, new=narrow, pepper=PEPPER)

    assert key.workspace_id == tenant.workspace_id


@pytest.mark.parametrize("case", ["no scopes", "no name", "past"])
async def test_bad_keys_are_refused(database: Database, case: str) -> None:
    tenant = await make_tenant(database)
    new = NewApiKey(name="ci", owner=tenant.owner.actor, scopes=READ)
    async with database.tenant(tenant.owner, None) as work:
        bad = {
            "no scopes": replace(new, scopes=frozenset[Scope]()),
            "no name": replace(new, name=" "),
            "past": replace(new, expires_at=work.now),
        }[case]
        with pytest.raises(InvalidInput):
            await api_keys.create_key(work, granter=tenant.owner, new=bad, pepper=PEPPER)


async def test_key_for_a_foreign_workspace_is_not_found(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    new = NewApiKey(
        name="ci", owner=tenant.owner.actor, scopes=READ, workspace_id=other.workspace_id
    )

    with pytest.raises(NotFound):
        async with database.tenant(tenant.owner, None) as work:
            await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)


async def test_keys_of_another_organization_are_invisible(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    key, token = await make_key(database, other)

    async with database.tenant(tenant.owner, None) as work:
        assert await api_keys.find_key(work, id_=key.id) is None
        assert await api_keys.get_many_keys(work, [key.id]) == {}
        page = await api_keys.list_keys(
            work, organization_id=other.organization_id, page=PageRequest()
        )
        assert page.items == []
        with pytest.raises(NotFound):
            await api_keys.revoke_key(work, granter=tenant.owner, id_=key.id)
        with pytest.raises(NotFound):
            await api_keys.rotate_key(work, granter=tenant.owner, id_=key.id, pepper=PEPPER)

    assert (await api_keys.authenticate(database, token, pepper=PEPPER)).api_key_id == key.id


async def test_owner_is_the_caller_or_a_service_account_of_the_organization(
    database: Database,
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    own, foreign = tenant.owner.actor.id, other.owner.actor.id
    assert own is not None
    assert foreign is not None

    async with database.tenant(tenant.owner, None) as work:
        account = await service_accounts.create_service_account(
            work, organization_id=tenant.organization_id, name="ci"
        )
        machine = await api_keys.find_owner(work, kind=ActorKind.SERVICE_ACCOUNT, id_=account.id)
        person = await api_keys.find_owner(work, kind=ActorKind.USER, id_=own)
        with pytest.raises(NotFound):
            await api_keys.find_owner(work, kind=ActorKind.USER, id_=foreign)
        with pytest.raises(NotFound):
            await api_keys.find_owner(work, kind=ActorKind.RUN, id_=own)

    assert machine.display_name == "ci"
    assert person == tenant.owner.actor


async def test_keys_are_listed_by_owner_in_pages(database: Database) -> None:
    tenant = await make_tenant(database)
    made = [(await make_key(database, tenant))[0].id for _ in range(3)]
    owner_id = tenant.owner.actor.id

    async with database.tenant(tenant.owner, None) as work:
        first = await api_keys.list_keys(
            work,
            organization_id=tenant.organization_id,
            page=PageRequest(size=2),
            owner_id=owner_id,
        )
        second = await api_keys.list_keys(
            work,
            organization_id=tenant.organization_id,
            page=PageRequest(size=2, key=(first.items[-1].id,)),
            owner_id=owner_id,
        )
        none = await api_keys.list_keys(
            work,
            organization_id=tenant.organization_id,
            page=PageRequest(),
            owner_id=UUID(int=1),
        )

    assert [key.id for key in first.items] == made[:2]
    assert (first.has_next, first.has_previous) == (True, False)
    assert [key.id for key in second.items] == made[2:]
    assert (second.has_next, second.has_previous) == (False, True)
    assert none.items == []


def test_owner_scopes_never_reveal_secrets() -> None:
    assert Scope.BLOCKS_REVEAL not in OWNER_SCOPES
