"""What the groups of several providers give one person: each takes back what it alone gave."""

import asyncio
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from sqlalchemy import text

from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.identities import GroupRole, Provider
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import (
    EVERYWHERE,
    Holder,
    HolderKind,
    Role,
    RoleBinding,
    builtin_role,
    provider_actor,
)
from headgate_server.repositories import members, owners
from headgate_server.repositories import roles as stored
from headgate_server.services import group_roles, roles
from tests.factories.databases import somebody_waits
from tests.factories.members import make_member
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.deadlines import eventually

pytestmark = pytest.mark.anyio

ADMIN = builtin_role(BuiltinRole.ADMIN)
OWNER = builtin_role(BuiltinRole.OWNER)
STAFF, NOBODY = frozenset({"staff"}), frozenset[str]()


@dataclass(slots=True)
class Scene:
    """A member, and two providers whose groups may make them an admin."""

    database: Database
    tenant: Tenant
    membership_id: UUID
    user_id: UUID
    providers: dict[str, Provider]

    async def join(self, slug: str, groups: frozenset[str]) -> None:
        async with self.database.system() as work:
            await group_roles.join(
                work,
                self.providers[slug],
                known=self.providers.values(),
                groups=groups,
                user_id=self.user_id,
            )

    async def leave(self, slug: str) -> None:
        async with self.database.system() as work:
            await group_roles.leave(
                work,
                f"https://{slug}.example",
                known=self.providers.values(),
                user_id=self.user_id,
            )

    async def enter_another(self) -> Tenant:
        """Make an organization that a provider of its own, ``globex``, signs the member in to."""
        another = await make_tenant(self.database)
        place = ids.show(ids.Kind.ORGANIZATION, another.organization_id)
        self.providers["globex"] = Provider(
            "globex", "Globex", "https://globex.example", "client", organization=place
        )
        await self.join("globex", NOBODY)
        return another

    async def give(self, tenant: Tenant, role: Role, *, by: str) -> None:
        """Give the member a role in an organization, as a provider of a name does."""
        async with self.database.system() as work:
            within = replace(work, organization_id=tenant.organization_id, actor=provider_actor(by))
            membership = await members.find_by_user(within, user_id=self.user_id)
            assert membership is not None
            await stored.insert_binding(
                within,
                organization_id=tenant.organization_id,
                holder=Holder(HolderKind.MEMBERSHIP, membership.id),
                role=role,
                place=EVERYWHERE,
            )

    async def told(self, tenant: Tenant) -> list[tuple[str, str]]:
        """Return who settled roles, and the whole entry, in an organization's audit log."""
        async with self.database.system() as work:
            rows = await work.execute(
                text(
                    "select actor_name, row_to_json(audit_entries)::text as entry "
                    "from audit_entries "
                    "where organization_id = :id and action = 'membership.roles_settled'"
                ),
                {"id": tenant.organization_id},
            )
            return [(row.actor_name, row.entry) for row in rows]

    async def given(self) -> list[RoleBinding]:
        async with self.database.tenant(self.tenant.owner, None) as work:
            return (await stored.list_bindings(work, [self.membership_id]))[self.membership_id]

    async def by(self) -> list[str]:
        """Return who gave what the member holds."""
        return [one.granted_by.display_name for one in await self.given()]


@pytest.fixture
async def scene(database: Database) -> Scene:
    tenant = await make_tenant(database)
    member = await make_member(database, tenant)
    place = ids.show(ids.Kind.ORGANIZATION, tenant.organization_id)
    assert member.principal.actor.id is not None
    providers = {
        slug: Provider(
            slug,
            slug,
            f"https://{slug}.example",
            "client",
            organization=place,
            roles=(GroupRole("staff", "Admin"),),
        )
        for slug in ("okta", "entra", "google")
    }
    return Scene(database, tenant, member.id, member.principal.actor.id, providers)


@pytest.mark.parametrize("is_unlinked", [False, True])
async def test_role_that_several_providers_give_stays_until_none_does(
    scene: Scene, *, is_unlinked: bool
) -> None:
    async def withdraw(slug: str) -> None:
        await (scene.leave(slug) if is_unlinked else scene.join(slug, NOBODY))

    for slug in ("okta", "entra", "google", "entra"):
        await scene.join(slug, STAFF)
    assert await scene.by() == ["Provider https://okta.example"]

    await withdraw("entra")
    assert await scene.by() == ["Provider https://okta.example"]
    await withdraw("okta")
    assert await scene.by() == ["Provider https://google.example"]
    await withdraw("google")
    assert await scene.by() == []


async def test_provider_that_gives_again_is_counted_again(scene: Scene) -> None:
    for slug, groups in (("okta", STAFF), ("entra", STAFF), ("okta", NOBODY), ("okta", STAFF)):
        await scene.join(slug, groups)

    await scene.join("entra", NOBODY)

    assert await scene.by() == ["Provider https://okta.example"]


async def test_role_that_a_person_gives_between_two_providers_stays_without_them(
    scene: Scene,
) -> None:
    await scene.join("okta", STAFF)
    async with scene.database.tenant(scene.tenant.owner, None) as work:
        await roles.bind_role(
            work,
            granter=scene.tenant.owner,
            holder=Holder(HolderKind.MEMBERSHIP, scene.membership_id),
            role_id=ADMIN.id,
            place=EVERYWHERE,
        )
    await scene.join("entra", STAFF)

    for slug in ("okta", "entra"):
        await scene.join(slug, NOBODY)

    assert await scene.by() == [scene.tenant.owner.actor.display_name]


async def test_two_providers_that_withdraw_at_once_leave_nothing(scene: Scene) -> None:
    await scene.join("okta", STAFF)
    await scene.join("entra", STAFF)

    await asyncio.gather(scene.join("okta", NOBODY), scene.join("entra", NOBODY))

    assert await scene.given() == []


@pytest.mark.parametrize("is_unlinked", [False, True])
async def test_provider_takes_back_what_it_gave_by_another_slug(
    scene: Scene, *, is_unlinked: bool
) -> None:
    await scene.join("okta", STAFF)
    scene.providers["okta"] = replace(
        scene.providers["okta"], slug="other", roles=(GroupRole("staff", "Viewer"),)
    )

    await (scene.leave("okta") if is_unlinked else scene.join("okta", STAFF))

    assert [one.role.name for one in await scene.given()] == ([] if is_unlinked else ["Viewer"])


async def test_roles_of_a_provider_that_signs_nobody_in_any_more_are_taken_away(
    scene: Scene,
) -> None:
    await scene.join("okta", STAFF)
    await scene.join("google", STAFF)
    del scene.providers["okta"]

    await scene.join("entra", NOBODY)
    assert await scene.by() == ["Provider https://google.example"]
    del scene.providers["google"]
    await scene.join("entra", NOBODY)

    assert await scene.given() == []


@pytest.mark.parametrize("has_its_slug", [False, True])
async def test_role_that_was_given_by_a_slug_is_taken_back_or_goes_on_by_the_issuer(
    scene: Scene, *, has_its_slug: bool
) -> None:
    await scene.give(scene.tenant, ADMIN, by="okta" if has_its_slug else "gone")

    await scene.join("entra", NOBODY)
    assert await scene.by() == (["Provider okta"] if has_its_slug else [])
    await scene.join("okta", STAFF)
    assert await scene.by() == ["Provider https://okta.example"]
    await scene.join("okta", NOBODY)

    assert await scene.given() == []


@pytest.mark.parametrize("is_unlinked", [False, True])
@pytest.mark.parametrize("has_another", [False, True])
async def test_roles_of_a_provider_go_with_its_organization(
    scene: Scene, *, has_another: bool, is_unlinked: bool
) -> None:
    await scene.join("okta", STAFF)
    await scene.join("entra", STAFF)
    another = await make_tenant(scene.database)
    place = ids.show(ids.Kind.ORGANIZATION, another.organization_id) if has_another else None
    moved = replace(scene.providers["okta"], organization=place, roles=())
    scene.providers["okta"] = moved

    await (scene.leave("okta") if is_unlinked else scene.join("okta", STAFF))

    assert await scene.by() == ["Provider https://entra.example"]


async def test_provider_whose_organization_is_misspelt_takes_nothing_away(scene: Scene) -> None:
    await scene.join("okta", STAFF)
    scene.providers["okta"] = replace(scene.providers["okta"], organization="nowhere")

    for slug in ("okta", "entra"):
        await scene.join(slug, NOBODY)

    assert await scene.by() == ["Provider https://okta.example"]


@pytest.mark.parametrize("is_in_file", [False, True])
async def test_unlinking_takes_back_what_was_given_whatever_the_file_says_of_the_provider(
    scene: Scene, *, is_in_file: bool
) -> None:
    await scene.join("okta", STAFF)
    await scene.join("google", STAFF)
    misspelt = replace(scene.providers.pop("okta"), organization="nowhere")
    if is_in_file:
        scene.providers["okta"] = misspelt

    await scene.leave("okta")

    assert await scene.by() == ["Provider https://google.example"]


async def test_no_organization_is_told_by_which_provider_of_another_its_member_signed_in(
    scene: Scene,
) -> None:
    await scene.join("okta", STAFF)
    del scene.providers["okta"]
    before = len(await scene.told(scene.tenant))

    await scene.enter_another()

    assert await scene.given() == []
    ((settled_by, entry),) = (await scene.told(scene.tenant))[before:]
    assert settled_by == "Provider https://okta.example"
    assert "globex" not in entry


async def test_last_owner_stays_one_as_they_were_and_nothing_is_told(scene: Scene) -> None:
    await scene.give(scene.tenant, OWNER, by="https://gone.example")
    async with scene.database.system() as work:
        await work.execute(
            text(
                "delete from role_bindings where organization_id = :organization "
                "and membership_id is distinct from :own"
            ),
            {"organization": scene.tenant.organization_id, "own": scene.membership_id},
        )
    before = await scene.given()

    await scene.enter_another()
    for slug in ("globex", "entra"):
        await scene.join(slug, NOBODY)

    assert await scene.given() == before
    assert await scene.told(scene.tenant) == []


async def test_who_signs_in_locks_organizations_in_one_order(scene: Scene) -> None:
    another = await scene.enter_another()
    for tenant in (scene.tenant, another):
        await scene.give(tenant, ADMIN, by="https://gone.example")
    lower, higher = sorted((scene.tenant.organization_id, another.organization_id))
    slug = "globex" if higher == another.organization_id else "entra"

    async with scene.database.system() as work:
        await owners.lock_owners(replace(work, organization_id=lower))
        joining = asyncio.create_task(scene.join(slug, NOBODY))
        async with scene.database.system() as looking:
            await eventually(lambda: somebody_waits(looking), what="Who signs in")
        await owners.lock_owners(replace(work, organization_id=higher))
    await joining

    assert await scene.given() == []
