"""Organizations by their slugs."""

from typing import Annotated

import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.types.organizations import Operator, Organization, show_organization
from headgate_server.services import organizations


@strawberry.type
class OrganizationQueries:
    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="The operator's side; null for everybody who does not run this installation.",
    )
    def operator(self, info: Info) -> Operator | None:
        return Operator() if info.context.principal.is_operator else None

    @scoped_field(
        requires=[Scope.ORG_READ], description="The organization of a slug, if it is the caller's."
    )
    async def organization(
        self, info: Info, slug: Annotated[str, strawberry.argument(description="Its slug.")]
    ) -> Organization | None:
        async with info.context.organization_work() as work:
            row = await organizations.find_by_slug(work, slug=slug)
        return show_organization(row) if row else None
