"""Members of a tenant with roles, and clients that show a key of theirs."""

from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.ids import encode_word, new_id
from headgate_server.domain.permissions import (
    OWNER_SCOPES,
    BuiltinRole,
    gather,
)
from headgate_server.domain.roles import (
    EVERYWHERE,
    BindingPlace,
    Holder,
    HolderKind,
    Role,
    builtin_role,
)
from headgate_server.domain.tenancy import SYSTEM, Actor, ActorKind, Principal
from headgate_server.repositories import members, roles
from headgate_server.services import api_keys, users
from tests.factories.tenants import Tenant

Held = tuple[Role | BuiltinRole, BindingPlace]


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a tenant's organization, as their key of all scopes speaks for them."""

    id: UUID
    principal: Principal


async def make_member(database: Database, tenant: Tenant, *held: Held) -> Member:
    """Make a person who holds roles in the tenant's organization."""
    async with database.system() as work:
        user = await users.create_user(
            work, display_name="Max", email=f"{encode_word(new_id())}@example.com"
        )
        membership_id, _ = await members.insert_membership(
            work, organization_id=tenant.organization_id, user_id=user.id, invited_by=SYSTEM
        )
        holder = Holder(HolderKind.MEMBERSHIP, membership_id)
        for role, place in held:
            await roles.insert_binding(
                work,
                organization_id=tenant.organization_id,
                holder=holder,
                role=builtin_role(role) if isinstance(role, BuiltinRole) else role,
                place=place,
            )
        bindings = (await roles.list_bindings(work, [membership_id]))[membership_id]
    rights = gather([binding.grant for binding in bindings], is_member=True)
    principal = Principal(
        actor=Actor(ActorKind.USER, user.id, user.display_name),
        organization_id=tenant.organization_id,
        workspace_id=None,
        scopes=rights.anywhere,
        rights=rights,
    )
    return Member(membership_id, principal)


async def make_member_token(
    database: Database, tenant: Tenant, member: Member, *, pepper: str
) -> str:
    """Return the token of a key with every scope, so that its owner's roles alone decide."""
    owner = Principal(
        actor=member.principal.actor,
        organization_id=tenant.organization_id,
        workspace_id=None,
        scopes=OWNER_SCOPES,
    )
    new = NewApiKey(name="tests", owner=owner.actor, scopes=OWNER_SCOPES)
    async with database.tenant(owner, None) as work:
        _, token = await api_keys.create_key(work, granter=owner, new=new, pepper=pepper)
    return token


def everywhere(role: BuiltinRole) -> Held:
    """Return a role in the whole organization."""
    return role, EVERYWHERE


def within(role: BuiltinRole, workspace_id: UUID) -> Held:
    """Return a role in one workspace."""
    return role, BindingPlace(workspace_id)
