"""Members of an organization, and their teams."""

from datetime import datetime
from typing import Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.members import Membership as MembershipRow
from headgate_server.domain.members import Team as TeamRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.types.roles import RoleBinding, bindings_of
from headgate_server.graphql.types.users import User, show_user
from headgate_server.services import members


@strawberry.type(description="A person in an organization.")
class Membership(Node):
    joined_at: datetime = strawberry.field(description="When they joined.")
    row: strawberry.Private[MembershipRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="The person.")
    def user(self) -> User:
        return show_user(self.row.user_id, self.row.display_name)

    @scoped_field(requires=ANY_CREDENTIAL, description="Who invited them.")
    def invited_by(self) -> Actor | None:
        return show_actor(self.row.invited_by)

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="The roles they hold by themselves, the oldest first; more come from teams.",
    )
    async def bindings(self, info: Info) -> list[RoleBinding]:
        return await bindings_of(info, self.row.id)

    @scoped_field(requires=[Scope.ORG_READ], description="The teams they are in.")
    async def teams(self, info: Info) -> "list[Team]":
        rows: Any = await info.context.load(members.list_teams_of, self.row.id, workspace_id=None)
        return [show_team(row) for row in rows or ()]


@strawberry.type(description="Members who hold roles together.")
class Team(Node, Versioned):
    name: str = strawberry.field(description="Unique in the organization.")
    row: strawberry.Private[TeamRow]

    @scoped_field(requires=[Scope.ORG_READ], description="The roles it holds, the oldest first.")
    async def bindings(self, info: Info) -> list[RoleBinding]:
        return await bindings_of(info, self.row.id)

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="Who is in it; who joined the organization first comes first.",
    )
    async def members(self, info: Info) -> list[Membership]:
        rows: Any = await info.context.load(members.list_members_of, self.row.id, workspace_id=None)
        return [show_membership(row) for row in rows or ()]


def show_membership(row: MembershipRow) -> Membership:
    """Return a member."""
    return Membership(id=show_id(ids.Kind.MEMBERSHIP, row.id), joined_at=row.joined_at, row=row)


def show_team(row: TeamRow) -> Team:
    """Return a team."""
    return Team(
        id=show_id(ids.Kind.TEAM, row.id),
        name=row.name,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


shows(MembershipRow, by=show_membership)
shows(TeamRow, by=show_team)
reads(
    ids.Kind.MEMBERSHIP,
    by=NodeKind(fetch=members.get_many_members, scope=Scope.ORG_READ, is_of_organization=True),
)
reads(
    ids.Kind.TEAM,
    by=NodeKind(fetch=members.get_many_teams, scope=Scope.ORG_READ, is_of_organization=True),
)
