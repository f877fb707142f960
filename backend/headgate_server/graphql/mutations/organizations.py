"""Mutations on organizations."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.types.organizations import Organization, show_organization
from headgate_server.services import organizations


@strawberry.input(description="An organization to be changed; what is not said keeps its value.")
class OrganizationUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the organization has another version by now."
    )
    name: str | None = strawberry.field(default=None, description="1 to 200 characters.")
    slug: str | None = strawberry.field(
        default=None,
        description="1 to 50 lower-case letters, digits and hyphens; unique in the installation. "
        "Addresses with the old one lead nowhere any more.",
    )


@strawberry.type(description="An organization that was changed.")
class OrganizationPayload:
    organization: Organization | None = payload_field("The organization.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class OrganizationMutations:
    @mutation(requires=[Scope.ORG_ADMIN], description="Change an organization.")
    async def organization_update(
        self,
        info: Info,
        input: Annotated[OrganizationUpdateInput, strawberry.argument(description="The change.")],
    ) -> OrganizationPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.ORGANIZATION)
        async with info.context.organization_work() as work:
            row = await organizations.update_organization(
                work,
                id_=id_,
                slug=given(input.slug),
                name=given(input.name),
                expected_version=input.expected_version,
            )
        return OrganizationPayload(organization=show_organization(row))
