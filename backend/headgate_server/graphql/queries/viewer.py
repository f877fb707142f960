"""Who is asking, and what they may do in a place."""

from typing import Annotated

import strawberry

from headgate_server.domain.members import Membership as MembershipRow
from headgate_server.domain.permissions import Grant, Scope
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.types.members import Membership, show_membership
from headgate_server.graphql.types.roles import place_of
from headgate_server.graphql.types.viewer import Viewer
from headgate_server.services import roles


@strawberry.type(description="Whether the caller may do something in a place, and if not, why.")
class Permission:
    allowed: bool = strawberry.field(description="Whether nothing is missing.")
    missing: list[Scope] = strawberry.field(description="The scopes that are missing, by name.")
    reason: str | None = strawberry.field(
        description="What a refusal says: what to ask for, or that the workspace is archived; null "
        "where nothing is missing."
    )
    grantable_by: list[Membership] = strawberry.field(
        description="Members who could give what is missing, at most 20; empty where nothing is, "
        "where the caller holds it and the workspace is archived, and for callers without ORG_READ."
    )


@strawberry.type
class ViewerQueries:
    @scoped_field(requires=ANY_CREDENTIAL, description="The caller.")
    def viewer(self) -> Viewer:
        return Viewer()

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Whether the caller holds scopes in the organization, in a workspace of it or "
        "on one object there; where not, who could give them.",
        directives=[Cost(weight=5)],
    )
    async def viewer_can(
        self,
        info: Info,
        scopes: Annotated[list[Scope], strawberry.argument(description="All that is needed.")],
        workspace_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Where; the organization itself if not said."),
        ] = None,
        object_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="A deployment, pool or block of the workspace."),
        ] = None,
    ) -> Permission:
        context, principal = info.context, info.context.principal
        place = place_of(workspace_id, object_id)
        held = given = principal.scopes_in_organization()
        if place.workspace_id is not None:
            async with context.work(place.workspace_id) as work:
                await roles.check_place(work, place)
            held = principal.scopes_in(place.workspace_id, on=place.object_id)
            given = principal.all_rights().held_in(place.workspace_id, on=place.object_id)
        missing = frozenset(scopes) - held
        if not missing:
            return Permission(allowed=True, missing=[], reason=None, grantable_by=[])
        wanted = Grant(missing - given, place.workspace_id, place.object_id)
        people: list[MembershipRow] = []
        if wanted.scopes and Scope.ORG_READ in principal.scopes:
            async with context.organization_work() as work:
                people = await roles.list_granters(work, wanted)
        refusal = principal.refusal(missing, workspace_id=place.workspace_id, on=place.object_id)
        return Permission(
            allowed=False,
            missing=sorted(missing),
            reason=refusal.message,
            grantable_by=[show_membership(row) for row in people],
        )
