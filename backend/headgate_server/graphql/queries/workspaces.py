"""Workspaces by their slugs."""

from typing import Annotated

import strawberry

from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.types.workspaces import Workspace, show_workspace
from headgate_server.services import organizations, workspaces


@strawberry.type
class WorkspaceQueries:
    @scoped_field(
        requires=ANY_CREDENTIAL, description="The workspace of a slug, if the caller may enter it."
    )
    async def workspace(
        self,
        info: Info,
        organization: Annotated[
            str, strawberry.argument(description="The slug of its organization.")
        ],
        slug: Annotated[str, strawberry.argument(description="Its own slug.")],
    ) -> Workspace | None:
        async with info.context.organization_work() as work:
            owner = await organizations.find_by_slug(work, slug=organization)
            if owner is None:
                return None
            row = await workspaces.find_by_slug(work, organization_id=owner.id, slug=slug)
        if row is None or not await info.context.may_enter(row.id):
            return None
        return show_workspace(row)
