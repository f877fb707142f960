"""Members of an organization, and their teams."""

from datetime import datetime

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.members import Membership as MembershipRow
from headgate_server.domain.members import Team as TeamRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.beginnings import AT_MOST, first_of, more_of
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.types.roles import RoleBinding, bindings_of, more_bindings_of
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
        description=f"The roles they hold by themselves, the oldest first, {AT_MOST}; more come "
        "from teams.",
    )
    async def bindings(self, info: Info) -> list[RoleBinding]:
        return await bindings_of(info, self.row.id)

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="How many more they hold by themselves than bindings shows.",
    )
    async def bindings_more(self, info: Info) -> int:
        return await more_bindings_of(info, self.row.id)

    @scoped_field(requires=[Scope.ORG_READ], description=f"The teams they are in, {AT_MOST}.")
    async def teams(self, info: Info) -> "list[Team]":
        found = await first_of(
            info.context, members.list_first_teams, self.row.id, workspace_id=None
        )
        return [show_team(row) for row in found.items]

    @scoped_field(
        requires=[Scope.ORG_READ], description="In how many more they are than teams shows."
    )
    async def teams_more(self, info: Info) -> int:
        return await more_of(info.context, members.list_first_teams, self.row.id)


@strawberry.type(description="Members who hold roles together.")
class Team(Node, Versioned):
    name: str = strawberry.field(description="Unique in the organization.")
    row: strawberry.Private[TeamRow]

    @scoped_field(
        requires=[Scope.ORG_READ],
        description=f"The roles it holds, the oldest first, {AT_MOST}.",
    )
    async def bindings(self, info: Info) -> list[RoleBinding]:
        return await bindings_of(info, self.row.id)

    @scoped_field(
        requires=[Scope.ORG_READ], description="How many more it holds than bindings shows."
    )
    async def bindings_more(self, info: Info) -> int:
        return await more_bindings_of(info, self.row.id)

    @scoped_field(
        requires=[Scope.ORG_READ],
        description=f"Who is in it, {AT_MOST}; who joined the organization first comes first.",
    )
    async def members(self, info: Info) -> list[Membership]:
        found = await first_of(
            info.context, members.list_first_members, self.row.id, workspace_id=None
        )
        return [show_membership(row) for row in found.items]

    @scoped_field(
        requires=[Scope.ORG_READ], description="How many more are in it than members shows."
    )
    async def members_more(self, info: Info) -> int:
        return await more_of(info.context, members.list_first_members, self.row.id)


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
