"""Signing in with an issuer that is honest: there and back, whose an identity is, groups."""

import base64
import hashlib
from dataclasses import replace
from typing import cast

import pytest
from sqlalchemy import text

from headgate_server.bus.buckets import Buckets
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.errors import ConfigurationError, Conflict
from headgate_server.domain.identities import Identity, Provider, SignInRefused, check_provider
from headgate_server.domain.ids import Kind
from headgate_server.domain.login_sessions import NOWHERE
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import EVERYWHERE, Holder, HolderKind, builtin_role
from headgate_server.http.doors import open_doors
from headgate_server.repositories import members
from headgate_server.repositories.members import list_organizations_of as organizations_of
from headgate_server.services import (
    group_roles,
    identities,
    login_sessions,
    organizations,
    roles,
)
from headgate_server.services.identities import Arrival
from headgate_server.settings import Settings
from tests.factories.members import everywhere, make_member
from tests.factories.people import PASSWORD, make_person
from tests.fixtures.browsers import ORIGIN, PAGE, Browser
from tests.fixtures.forging_issuer import CLIENT_ID
from tests.fixtures.installations import PEPPER
from tests.fixtures.provider_worlds import PLACE, ProviderWorld, open_provider_world
from tests.fixtures.sql import query
from tests.fixtures.visitors import visit

WHO = "{ viewer { user { id email displayName } scopes } }"


async def test_way_there_has_pkce_state_and_nonce(provider_world: ProviderWorld) -> None:
    world = provider_world
    left = await world.leave()
    done = await world.come_back(state=left["state"], code="good")

    (asked,) = world.issuer.asked
    digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
    assert left["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert left["code_challenge_method"] == "S256"
    assert left["redirect_uri"] == f"{ORIGIN}/auth/oidc/okta/callback" == asked["redirect_uri"]
    assert left["scope"] == "openid profile email"
    assert len({left["state"], left["nonce"], asked["code_verifier"]}) == 3
    assert min(len(left["state"]), len(left["nonce"]), len(asked["code_verifier"])) >= 43
    assert (done.status_code, done.headers["location"]) == (303, "/")


async def test_person_of_a_provider_joins_its_organization(provider_world: ProviderWorld) -> None:
    done = await provider_world.sign_in(next="/auth/device")

    assert done.headers["location"] == "/auth/device"
    viewer = (await provider_world.visitor.ask(WHO))["viewer"]
    assert viewer["user"]["email"] == "ada@example.com"
    assert viewer["user"]["displayName"] == "Ada"
    assert "RUNS_READ" in viewer["scopes"]
    assert "RUNS_WRITE" not in viewer["scopes"]


async def test_without_passwords_providers_alone_let_people_in(
    urls: DatabaseUrls, redis_url: str
) -> None:
    async with open_provider_world(urls, redis_url, has_passwords=False) as world:
        person = await make_person(world.installation.database)
        tried = {"email": person.email, "password": PASSWORD}
        refused = [
            await world.visitor.post(path, **sent)
            for path, sent in {
                "/auth/sign-in": tried,
                "/auth/password": {"current": PASSWORD, "new": "another long password"},
                "/auth/password/reset": {"email": person.email},
                "/auth/password/new": {"token": "x", "password": PASSWORD},
                "/auth/invitation/new": {"token": "x", "name": "Ada", "password": PASSWORD},
                "/auth/second-factor/begin": {"password": PASSWORD},
            }.items()
        ]
        pages = [await world.visitor.get(path) for path in ("/auth/sign-in", "/auth/invitation")]
        await world.sign_in()
        viewer = (await world.visitor.ask("{ viewer { identities { id } } }"))["viewer"]
        (identity,) = viewer["identities"]
        unlinked = await world.visitor.post("/auth/identities/unlink", id=identity["id"])

    assert {answer.status_code for answer in refused} <= {404, 405}
    for page in pages:
        assert "Continue with Okta" in page.text
        assert 'type="password"' not in page.text
    assert unlinked.status_code == 409


def test_somebody_must_be_able_to_sign_in() -> None:
    with pytest.raises(ConfigurationError, match="nobody could sign in"):
        open_doors(
            Settings(passwords=False),
            database=cast("Database", None),
            buckets=cast("Buckets", None),
        )


async def test_provider_follows_its_organization_as_it_is_renamed(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    database, id_ = world.installation.database, world.tenant.organization_id
    async with database.system() as work:
        await organizations.update_organization(work, id_=id_, slug="apex")
        with pytest.raises(Conflict):
            await organizations.create_organization(work, slug=PLACE, name="Taker")

    await world.sign_in()
    shown = "{ viewer { organizations { nodes { id slug } } } }"
    place = {"id": ids.show(ids.Kind.ORGANIZATION, id_), "slug": "apex"}
    assert (await world.visitor.ask(shown))["viewer"]["organizations"]["nodes"] == [place]
    for slug in (PLACE, "apex"):
        named = {**PAGE, "x-headgate-organization": slug}
        body = {"query": f'{{ organization(slug: "{slug}") {{ id slug }} }}'}
        answer = await world.visitor.client.post("/graphql", json=body, headers=named)
        assert answer.json()["data"]["organization"] == place


async def test_provider_s_organization_may_be_named_by_its_id(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    named = ids.show(ids.Kind.ORGANIZATION, world.tenant.organization_id)
    provider = Provider("x", "X", world.issuer.url, CLIENT_ID, organization=named)
    person = await make_person(world.installation.database)

    async with world.installation.database.system() as work:
        await group_roles.join(
            work, provider, known=[provider], groups=frozenset(), user_id=person.id
        )
        found = await organizations_of(work, user_id=person.id)

    assert [one.organization.id for one in found] == [world.tenant.organization_id]
    assert check_provider(provider) == provider
    with pytest.raises(ConfigurationError, match="by its slug, or by its id"):
        check_provider(replace(provider, organization="org_nonsense"))


async def test_identity_is_issuer_and_subject(provider_world: ProviderWorld) -> None:
    world = provider_world
    await world.sign_in()
    first = (await world.visitor.ask(WHO))["viewer"]["user"]
    world.issuer.claims = {"email": "ada.lovelace@example.com", "name": "Ada Lovelace"}
    await world.sign_in()
    again = (await world.visitor.ask(WHO))["viewer"]["user"]
    world.issuer.claims, world.issuer.subject = {}, "subject-2"
    await world.sign_in()
    reused = (await world.visitor.ask(WHO))["viewer"]["user"]

    assert again == first
    assert await query(world.urls.system, "select count(*) from identities") == 2
    assert reused["id"] != first["id"]
    assert reused["email"] is None


async def test_address_of_somebody_with_a_password_joins_nothing(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    person = await make_person(world.installation.database, owns=world.tenant)

    await world.sign_in()
    found = (await world.visitor.ask(WHO))["viewer"]

    assert found["user"]["email"] is None
    assert "ORG_ADMIN" not in found["scopes"]
    assert (await Browser(world.installation.app).sign_in(person)).status == 200


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email_verified": "true"}])
async def test_address_that_is_not_verified_is_not_kept(
    provider_world: ProviderWorld, claims: dict[str, object]
) -> None:
    provider_world.issuer.claims = claims

    await provider_world.sign_in()

    assert (await provider_world.visitor.ask(WHO))["viewer"]["user"]["email"] is None


async def test_stranger_of_an_open_provider_is_not_let_in(provider_world: ProviderWorld) -> None:
    world = provider_world
    world.other.subject = "stranger"
    left = await world.leave(slug="other")
    world.other.nonce = left["nonce"]

    answer = await world.come_back(slug="other", state=left["state"], code="good")

    assert answer.status_code == 400
    assert "Nobody invited you" in answer.text
    assert not world.visitor.is_signed_in


async def test_roles_follow_the_groups(provider_world: ProviderWorld) -> None:
    world = provider_world
    world.issuer.claims = {"groups": ["admins", "others"]}
    await world.sign_in()
    admin = (await world.visitor.ask(WHO))["viewer"]["scopes"]
    world.issuer.claims = {"groups": ["builders"]}
    await world.sign_in()
    builder = (await world.visitor.ask(WHO))["viewer"]["scopes"]
    world.issuer.claims = {"groups": []}
    await world.sign_in()
    viewer = (await world.visitor.ask(WHO))["viewer"]["scopes"]

    assert "MEMBERS_WRITE" in admin
    assert "MEMBERS_WRITE" not in builder
    assert "FLOWS_WRITE" in builder
    assert "FLOWS_WRITE" not in viewer
    assert "FLOWS_READ" in viewer


async def test_groups_take_nothing_that_a_person_gave(provider_world: ProviderWorld) -> None:
    world = provider_world
    given = await make_member(
        world.installation.database, world.tenant, everywhere(BuiltinRole.OPERATOR)
    )
    user_id = given.principal.actor.id
    assert user_id is not None
    await world.own(user_id)

    await world.sign_in()

    scopes = (await world.visitor.ask(WHO))["viewer"]["scopes"]
    assert "RUNS_WRITE" in scopes


async def test_what_a_person_gives_stays_where_the_provider_gave_it_before(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    world.issuer.claims = {"groups": ["admins"]}
    await world.sign_in()
    user_id = ids.parse((await world.visitor.ask(WHO))["viewer"]["user"]["id"], kind=Kind.USER)
    async with world.installation.database.tenant(world.tenant.owner, None) as work:
        membership = await members.find_by_user(work, user_id=user_id)
        assert membership is not None
        await roles.bind_role(
            work,
            granter=world.tenant.owner,
            holder=Holder(HolderKind.MEMBERSHIP, membership.id),
            role_id=builtin_role(BuiltinRole.ADMIN).id,
            place=EVERYWHERE,
        )

    world.issuer.claims = {"groups": []}
    await world.sign_in()

    assert "MEMBERS_WRITE" in (await world.visitor.ask(WHO))["viewer"]["scopes"]


async def test_who_joins_by_a_provider_is_in_the_audit_log_also_without_a_role(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    plain = Provider("plain", "P", world.issuer.url, organization=PLACE, client_id=CLIENT_ID)
    provider = check_provider(plain)
    person = await make_person(world.installation.database)
    async with world.installation.database.system() as work:
        for _ in range(2):
            await group_roles.join(
                work, provider, known=[provider], groups=frozenset(), user_id=person.id
            )

    async with world.installation.database.system() as work:
        rows = await work.execute(
            text("select action, actor_name from audit_entries where actor_name like 'Provider%'")
        )

    assert [tuple(row) for row in rows] == [("membership.added", f"Provider {world.issuer.url}")]


async def test_thin_token_is_completed_by_what_the_provider_tells(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    world.issuer.claims = {"email": None, "email_verified": None, "name": None}
    world.issuer.told = {
        "email": "thin@example.com",
        "email_verified": True,
        "name": "Thin",
        "groups": ["admins"],
    }

    await world.sign_in()

    viewer = (await world.visitor.ask(WHO))["viewer"]
    assert (viewer["user"]["email"], viewer["user"]["displayName"]) == ("thin@example.com", "Thin")
    assert "MEMBERS_WRITE" in viewer["scopes"]


async def test_person_links_a_provider_and_signs_in_with_either(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    person = await make_person(world.installation.database, owns=world.tenant)
    await world.visitor.post("/auth/sign-in", email=person.email, password=person.password)

    done = await world.sign_in(slug="okta/link", back="okta")
    async with visit(world.installation.app) as other_browser:
        again = await replace(world, visitor=other_browser).sign_in()
        viewer = (await other_browser.ask(WHO))["viewer"]

    assert (done.status_code, again.status_code) == (303, 303)
    assert viewer["user"]["email"] == person.email
    assert "ORG_ADMIN" in viewer["scopes"]


async def test_nothing_is_linked_once_the_session_has_ended(provider_world: ProviderWorld) -> None:
    world, database = provider_world, provider_world.installation.database
    person = await make_person(database, owns=world.tenant)
    plain = Provider("plain", "P", world.issuer.url, client_id=CLIENT_ID)
    identity = Identity(world.issuer.url, "own", email=None, display_name="Own")
    async with database.system() as work:
        begun = await login_sessions.begin(work, user_id=person.id, browser=NOWHERE, pepper=PEPPER)
        await login_sessions.sign_out_everywhere(work, user_id=person.id)
    arrival = Arrival(identity, "state", link_to=person.id, session_id=begun.session_id)

    with pytest.raises(SignInRefused, match="signed out meanwhile"):
        await identities.sign_in(
            database, check_provider(plain), arrival, providers=[plain], pepper=PEPPER
        )

    async with database.system() as work:
        assert await identities.list_identities(work, user_id=person.id) == []


async def test_identity_of_another_is_not_linked(provider_world: ProviderWorld) -> None:
    world = provider_world
    async with visit(world.installation.app) as first:
        await replace(world, visitor=first).sign_in()
    person = await make_person(
        world.installation.database, owns=world.tenant, email="eve@example.com"
    )
    await world.visitor.post("/auth/sign-in", email=person.email, password=person.password)

    done = await world.sign_in(slug="okta/link", back="okta")

    assert done.status_code == 400
    assert "belongs to another account" in done.text


async def test_stranger_links_nothing(provider_world: ProviderWorld) -> None:
    answer = await provider_world.visitor.post("/auth/oidc/okta/link")

    assert answer.status_code == 401


async def test_sign_in_page_lists_the_providers(provider_world: ProviderWorld) -> None:
    page = (await provider_world.visitor.get("/auth/sign-in", next="/auth/device")).text

    assert page.count("Continue with ") == 2
    assert "Continue with Okta" in page
    assert 'data-set-next="&quot;/auth/device&quot;"' in page
