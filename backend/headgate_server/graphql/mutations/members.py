"""Mutations on members and teams."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import NOTHING, Scope
from headgate_server.graphql.context import needing
from headgate_server.graphql.fields import mutation
from headgate_server.graphql.mutations.roles import TeamPayload, own_organization
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info
from headgate_server.graphql.shapes.payloads import DeletePayload, IdInput
from headgate_server.graphql.types.members import show_team
from headgate_server.services import members

_REMOVING = frozenset({Scope.MEMBERS_WRITE})


@strawberry.input(description="A team to be made, or to be given another name.")
class TeamUpsertInput:
    organization_id: strawberry.ID = strawberry.field(description="In which organization.")
    name: str = strawberry.field(description="1 to 200 characters; unique in the organization.")
    id: strawberry.ID | None = strawberry.field(
        default=None, description="The team to rename; without it, the team of the name is meant."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="0 refuses where a team of the name is there already; teams have no others.",
    )


@strawberry.input(description="A member to put into a team, or to take out.")
class TeamMemberSetInput:
    team_id: strawberry.ID = strawberry.field(description="Which team.")
    membership_id: strawberry.ID = strawberry.field(description="Whom.")
    remove: bool | None = strawberry.field(
        default=None, description="Take them out instead of putting them in."
    )


@strawberry.type
class MemberMutations:
    @mutation(
        requires=ANY_CREDENTIAL,
        description="End a membership, with its roles and the person's keys in this organization. "
        "People who are signed in leave by themselves. All else needs MEMBERS_WRITE, and to remove "
        "others all that they hold. The organization keeps an owner.",
    )
    async def member_remove(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Whom.")]
    ) -> DeletePayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.MEMBERSHIP)
        found = await context.loaders.load(members.get_many_members, id_, workspace_id=None)
        is_own = found is not None and found.user_id == context.principal.actor.id
        is_leaving = is_own and context.principal.login_session_id is not None
        with needing(NOTHING if is_leaving else _REMOVING):
            async with context.organization_work() as work:
                await members.remove_member(work, granter=context.principal, id_=id_)
        return DeletePayload(deleted_id=input.id)

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Make the team of a name, or give a team another name, which needs all that "
        "the team holds.",
    )
    async def team_upsert(
        self,
        info: Info,
        input: Annotated[TeamUpsertInput, strawberry.argument(description="The team.")],
    ) -> TeamPayload:
        own_organization(info.context, input.organization_id)
        id_ = ids.parse(input.id, kind=ids.Kind.TEAM) if input.id else None
        async with info.context.organization_work() as work:
            row = await members.upsert_team(
                work,
                granter=info.context.principal,
                name=input.name,
                id_=id_,
                expected_version=input.expected_version,
            )
        return TeamPayload(team=show_team(row))

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Delete a team; its members lose what they held through it.",
    )
    async def team_delete(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.TEAM)
        async with info.context.organization_work() as work:
            await members.delete_team(work, granter=info.context.principal, id_=id_)
        return DeletePayload(deleted_id=input.id)

    @mutation(
        requires=[Scope.MEMBERS_WRITE],
        description="Put a member into a team or take them out. Needs all that the team holds.",
    )
    async def team_member_set(
        self,
        info: Info,
        input: Annotated[TeamMemberSetInput, strawberry.argument(description="Whom, where.")],
    ) -> TeamPayload:
        context = info.context
        team_id = ids.parse(input.team_id, kind=ids.Kind.TEAM)
        membership_id = ids.parse(input.membership_id, kind=ids.Kind.MEMBERSHIP)
        async with context.organization_work() as work:
            if input.remove:
                row = await members.take_from_team(
                    work,
                    granter=context.principal,
                    team_id=team_id,
                    membership_id=membership_id,
                )
            else:
                row = await members.add_to_team(
                    work,
                    granter=context.principal,
                    team_id=team_id,
                    membership_id=membership_id,
                )
        return TeamPayload(team=show_team(row))
