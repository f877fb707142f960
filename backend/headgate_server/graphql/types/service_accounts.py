"""Service accounts: machines that hold keys."""

from datetime import datetime
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.domain.service_accounts import ServiceAccount as ServiceAccountRow
from headgate_server.domain.tenancy import ActorKind
from headgate_server.graphql.connections import After, Connection, First
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.shapes.actors import Actor, acts
from headgate_server.graphql.shapes.beginnings import AT_MOST
from headgate_server.graphql.shapes.nodes import Node, NodeKind, reads, show_id, shows
from headgate_server.graphql.types import api_keys
from headgate_server.graphql.types.api_keys import ApiKey
from headgate_server.graphql.types.roles import RoleBinding, bindings_of, more_bindings_of
from headgate_server.services import service_accounts


@strawberry.type(description="A machine of an organization.")
class ServiceAccount(Node, Actor):
    account_id: strawberry.Private[UUID]

    @scoped_field(
        requires=[Scope.ORG_READ], description="When it was made; null if it may not be seen."
    )
    async def created_at(self, info: Info) -> datetime | None:
        row = await info.context.load(
            service_accounts.get_many_service_accounts, self.account_id, workspace_id=None
        )
        return row.created_at if row else None

    @scoped_field(
        requires=[Scope.ORG_ADMIN],
        description="Its keys, oldest first; those that were revoked and have expired, too.",
    )
    async def api_keys(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[ApiKey]:
        organization_id = info.context.principal.organization_id
        return await api_keys.list_of(
            info,
            organization_id=organization_id,
            owner_id=self.account_id,
            first=first,
            after=after,
        )

    @scoped_field(
        requires=[Scope.ORG_READ],
        description=f"The roles it holds, the oldest first, {AT_MOST}.",
    )
    async def roles(self, info: Info) -> list[RoleBinding]:
        return await bindings_of(info, self.account_id)

    @scoped_field(requires=[Scope.ORG_READ], description="How many more it holds than roles shows.")
    async def roles_more(self, info: Info) -> int:
        return await more_bindings_of(info, self.account_id)


def show_service_account(id_: UUID, name: str) -> ServiceAccount:
    """Return a machine from id and name; the rest is read when asked for."""
    shown = show_id(ids.Kind.SERVICE_ACCOUNT, id_)
    return ServiceAccount(id=shown, display_name=name, account_id=id_)


def _show_row(row: ServiceAccountRow) -> ServiceAccount:
    return show_service_account(row.id, row.display_name)


acts(ActorKind.SERVICE_ACCOUNT, by=show_service_account)
shows(ServiceAccountRow, by=_show_row)
reads(
    ids.Kind.SERVICE_ACCOUNT,
    by=NodeKind(
        fetch=service_accounts.get_many_service_accounts,
        scope=Scope.ORG_READ,
        is_of_organization=True,
    ),
)
