"""Mutations on roles and on who holds them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import NotFound
from headgate_server.domain.permissions import Scope
from headgate_server.domain.roles import Holder, HolderKind
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import DeletePayload, IdInput
from headgate_server.graphql.types.invitations import Invitation
from headgate_server.graphql.types.members import (
    Membership,
    Team,
    show_membership,
    show_team,
)
from headgate_server.graphql.types.roles import Role, place_of, show_role
from headgate_server.graphql.types.service_accounts import ServiceAccount, show_service_account
from headgate_server.services import members, roles, service_accounts

_WHICH_ROLE = "A built-in role, or one of the organization's own."
_WHERE = "Only in this workspace; everywhere in the organization if not said."
_ON = "Only on this deployment, work pool or block of the workspace."
_REMOVE = "Take the role away instead of giving it."


@strawberry.input(description="A role to be made, or changed for everyone who holds it.")
class RoleUpsertInput:
    organization_id: strawberry.ID = strawberry.field(description="In which organization.")
    name: str = strawberry.field(description="1 to 200 characters; not that of a built-in role.")
    scopes: list[Scope] = strawberry.field(
        description="All that it gives; nothing that the caller does not hold everywhere."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the role has another version by now; 0: if there is one.",
    )


@strawberry.input(description="A role to give to a member, or to take away.")
class RoleBindInput:
    membership_id: strawberry.ID = strawberry.field(description="Whom.")
    role_id: strawberry.ID = strawberry.field(description=_WHICH_ROLE)
    workspace_id: strawberry.ID | None = strawberry.field(default=None, description=_WHERE)
    object_id: strawberry.ID | None = strawberry.field(default=None, description=_ON)
    remove: bool | None = strawberry.field(default=None, description=_REMOVE)


@strawberry.input(description="A role to give to all members of a team, or to take away.")
class TeamRoleBindInput:
    team_id: strawberry.ID = strawberry.field(description="Which team.")
    role_id: strawberry.ID = strawberry.field(description=_WHICH_ROLE)
    workspace_id: strawberry.ID | None = strawberry.field(default=None, description=_WHERE)
    object_id: strawberry.ID | None = strawberry.field(default=None, description=_ON)
    remove: bool | None = strawberry.field(default=None, description=_REMOVE)


@strawberry.input(description="A role to give to a machine, or to take away.")
class ServiceAccountRoleBindInput:
    service_account_id: strawberry.ID = strawberry.field(description="Which machine.")
    role_id: strawberry.ID = strawberry.field(description=_WHICH_ROLE)
    workspace_id: strawberry.ID | None = strawberry.field(default=None, description=_WHERE)
    object_id: strawberry.ID | None = strawberry.field(default=None, description=_ON)
    remove: bool | None = strawberry.field(default=None, description=_REMOVE)


@strawberry.type(description="A role that was made or changed.")
class RolePayload:
    role: Role | None = payload_field("The role.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A member that was changed, or somebody who was invited.")
class MembershipPayload:
    membership: Membership | None = payload_field("The member; null for who was invited.")
    invitation: Invitation | None = payload_field("The invitation; null for who is a member.")
    invitation_url: str | None = payload_field(
        "The link to hand to who was invited, shown this once; null where it was mailed to them."
    )
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A team that was made or changed.")
class TeamPayload:
    team: Team | None = payload_field("The team.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A machine whose roles were changed.")
class ServiceAccountRolePayload:
    service_account: ServiceAccount | None = payload_field("The machine.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class RoleMutations:
    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Make the role of a name, or change what it gives. Nobody makes or changes a "
        "role that gives what they do not hold everywhere themselves.",
    )
    async def role_upsert(
        self,
        info: Info,
        input: Annotated[RoleUpsertInput, strawberry.argument(description="The role.")],
    ) -> RolePayload:
        context = info.context
        own_organization(context, input.organization_id)
        async with context.organization_work() as work:
            row = await roles.upsert_role(
                work,
                granter=context.principal,
                name=input.name,
                scopes=frozenset(input.scopes),
                expected_version=input.expected_version,
            )
        return RolePayload(role=show_role(row))

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Delete a role of the organization's own that nobody holds.",
    )
    async def role_delete(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.ROLE)
        async with info.context.organization_work() as work:
            await roles.delete_role(work, granter=info.context.principal, id_=id_)
        return DeletePayload(deleted_id=input.id)

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Give a role to a member or take it away, everywhere, in a workspace or on one "
        "object. Nobody gives or takes what they do not hold there themselves; the organization "
        "keeps an owner.",
    )
    async def role_bind(
        self,
        info: Info,
        input: Annotated[RoleBindInput, strawberry.argument(description="Which role, to whom.")],
    ) -> MembershipPayload:
        id_ = ids.parse(input.membership_id, kind=ids.Kind.MEMBERSHIP)
        async with _bound(info, input, Holder(HolderKind.MEMBERSHIP, id_)) as work:
            row = await members.get_membership(work, id_=id_)
        return MembershipPayload(membership=show_membership(row))

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Give a role to a team or take it away; see roleBind.",
    )
    async def team_role_bind(
        self,
        info: Info,
        input: Annotated[TeamRoleBindInput, strawberry.argument(description="Which role.")],
    ) -> TeamPayload:
        id_ = ids.parse(input.team_id, kind=ids.Kind.TEAM)
        async with _bound(info, input, Holder(HolderKind.TEAM, id_)) as work:
            found = await members.get_many_teams(work, [id_])
        return TeamPayload(team=show_team(found[id_]))

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Give a role to a machine or take it away; see roleBind. Its keys do no more.",
    )
    async def service_account_role_bind(
        self,
        info: Info,
        input: Annotated[
            ServiceAccountRoleBindInput, strawberry.argument(description="Which role.")
        ],
    ) -> ServiceAccountRolePayload:
        id_ = ids.parse(input.service_account_id, kind=ids.Kind.SERVICE_ACCOUNT)
        async with _bound(info, input, Holder(HolderKind.SERVICE_ACCOUNT, id_)) as work:
            found = await service_accounts.get_many_service_accounts(work, [id_])
        row = found[id_]
        shown = show_service_account(row.id, row.display_name)
        return ServiceAccountRolePayload(service_account=shown)


def own_organization(context: OperationContext, shown: str) -> UUID:
    """Return the organization of an id if the credential acts in it.

    Raises:
        NotFound: another one, or none.
    """
    organization_id = ids.parse(shown, kind=ids.Kind.ORGANIZATION)
    if organization_id != context.principal.organization_id:
        raise NotFound
    return organization_id


@asynccontextmanager
async def _bound(
    info: Info,
    given: RoleBindInput | TeamRoleBindInput | ServiceAccountRoleBindInput,
    holder: Holder,
) -> AsyncGenerator[UnitOfWork]:
    """Bind or unbind a role, and let the caller read what it shows in the same unit of work."""
    context = info.context
    role_id = ids.parse(given.role_id, kind=ids.Kind.ROLE)
    place = place_of(given.workspace_id, given.object_id)
    where = place.workspace_id
    async with context.roles_work(where) if where else context.organization_work() as work:
        if given.remove:
            await roles.unbind_role(
                work, granter=context.principal, holder=holder, role_id=role_id, place=place
            )
        else:
            await roles.bind_role(
                work,
                granter=context.principal,
                holder=holder,
                role_id=role_id,
                place=place,
            )
        yield work
