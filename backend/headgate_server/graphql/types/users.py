"""Users: people who sign in."""

from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import ActorKind
from headgate_server.domain.users import User as UserRow
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.actors import Actor, acts
from headgate_server.graphql.shapes.nodes import Node, NodeKind, reads, show_id, shows
from headgate_server.services import users


@strawberry.type(description="A person.")
class User(Node, Actor):
    user_id: strawberry.Private[UUID]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="The address they sign in with; null if not known, or if neither they nor "
        "who reads the organization asks.",
    )
    async def email(self, info: Info) -> str | None:
        if not self._is_open_to(info):
            return None
        row = await info.context.load(users.get_many_users, self.user_id, workspace_id=None)
        return row.email if row else None

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Whether they have proven that the address is theirs, by the link of a mail or "
        "through a provider; whoever was invited where no mail is sent has not. False where the "
        "address is not shown.",
    )
    async def is_email_verified(self, info: Info) -> bool:
        if not self._is_open_to(info):
            return False
        row = await info.context.load(users.get_many_users, self.user_id, workspace_id=None)
        return row.is_email_verified if row else False

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="A picture; null if there is none, or where the address is not shown.",
    )
    async def avatar_url(self, info: Info) -> str | None:
        if not self._is_open_to(info):
            return None
        row = await info.context.load(users.get_many_users, self.user_id, workspace_id=None)
        return row.avatar_url if row else None

    def _is_open_to(self, info: Info) -> bool:
        """Whether who asks may know the address: others are named in what they did, no more."""
        principal = info.context.principal
        is_own = principal.login_session_id is not None and principal.actor.id == self.user_id
        return is_own or Scope.ORG_READ in principal.scopes


def show_user(id_: UUID, name: str) -> User:
    """Return a person from id and name; the rest is read when asked for."""
    return User(id=show_id(ids.Kind.USER, id_), display_name=name, user_id=id_)


def _show_row(row: UserRow) -> User:
    return show_user(row.id, row.display_name)


acts(ActorKind.USER, by=show_user)
shows(UserRow, by=_show_row)
reads(
    ids.Kind.USER,
    by=NodeKind(fetch=users.get_many_users, scope=Scope.ORG_READ, is_of_organization=True),
)
