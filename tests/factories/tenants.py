"""Tenants for tests: an organization with a workspace, and an owner who may do everything there."""

from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain.ids import encode_word, new_id
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.services import members, organizations, users, workspaces


@dataclass(frozen=True, slots=True)
class Tenant:
    organization_id: UUID
    workspace_id: UUID
    owner: Principal


async def make_tenant(database: Database) -> Tenant:
    word = encode_word(new_id())
    async with database.system() as work:
        organization = await organizations.create_organization(
            work, slug=f"o-{word}", name="Organization"
        )
        workspace = await workspaces.create_workspace(
            work, organization_id=organization.id, slug="main", name="Main"
        )
        user = await users.create_user(work, display_name="Olive", email=f"{word}@example.com")
        await members.add_owner(work, organization_id=organization.id, user_id=user.id)
    owner = Principal(
        actor=Actor(ActorKind.USER, user.id, user.display_name),
        organization_id=organization.id,
        workspace_id=None,
        scopes=OWNER_SCOPES,
    )
    return Tenant(organization_id=organization.id, workspace_id=workspace.id, owner=owner)
