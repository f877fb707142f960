"""Invitations to an organization."""

from datetime import datetime
from typing import Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.members import Invitation as InvitationRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, load, reads, show_id, shows
from headgate_server.graphql.types.roles import Role, show_role
from headgate_server.graphql.types.workspaces import Workspace
from headgate_server.services import invitations, roles, workspaces


@strawberry.type(description="Somebody who was asked to join an organization.")
class Invitation(Node):
    email: str = strawberry.field(description="Where it was sent to.")
    created_at: datetime = strawberry.field(description="When it was sent.")
    expires_at: datetime = strawberry.field(description="Until when its link is good.")
    accepted_at: datetime | None = strawberry.field(description="When they joined by it.")
    revoked_at: datetime | None = strawberry.field(
        description="When it was revoked, or another one took its place."
    )
    any_address: bool = strawberry.field(
        description="Whether a person who has another address may accept it, too."
    )
    row: strawberry.Private[InvitationRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Who invited them.")
    def invited_by(self) -> Actor | None:
        return show_actor(self.row.invited_by)

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="The roles that they will hold; those deleted meanwhile are left out.",
        directives=[Cost(weight=1, list_size=20)],
    )
    async def roles(self, info: Info) -> list[Role]:
        asked = [
            info.context.load(roles.get_many_roles, one.role_id, workspace_id=None)
            for one in self.row.planned
        ]
        rows: list[Any] = [await one for one in asked]
        return [show_role(row) for row in rows if row is not None]

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="The only workspace that they will hold them in; null for the whole "
        "organization, and where the caller may not enter it.",
    )
    async def workspace(self, info: Info) -> Workspace | None:
        places = [one.place.workspace_id for one in self.row.planned]
        workspace_id = places[0] if places else None
        if workspace_id is None or not await info.context.may_enter(workspace_id):
            return None
        shown: Any = await load(
            info.context, workspaces.get_many_workspaces, workspace_id, workspace_id=None
        )
        return shown


def show_invitation(row: InvitationRow) -> Invitation:
    """Return an invitation."""
    return Invitation(
        id=show_id(ids.Kind.INVITATION, row.id),
        email=row.email,
        created_at=row.created_at,
        expires_at=row.expires_at,
        accepted_at=row.accepted_at,
        revoked_at=row.revoked_at,
        any_address=row.is_for_anybody,
        row=row,
    )


shows(InvitationRow, by=show_invitation)
reads(
    ids.Kind.INVITATION,
    by=NodeKind(
        fetch=invitations.get_many_invitations,
        scope=Scope.MEMBERS_WRITE,
        is_of_organization=True,
    ),
)
