"""Mutations on allowlists."""

from typing import Annotated

import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.fields import mutation
from headgate_server.graphql.mutations.organizations import OrganizationPayload
from headgate_server.graphql.mutations.roles import own_organization
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.types.organizations import show_organization
from headgate_server.services import allowlists


@strawberry.input(description="From where an organization may be reached.")
class OrganizationAllowlistUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    networks: list[str] = strawberry.field(
        description="IPv4 and IPv6 addresses, and networks in CIDR notation: at most 200. None "
        "lets it be reached from everywhere."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the organization has another version by now."
    )


@strawberry.type
class AllowlistMutations:
    @mutation(
        requires=[Scope.ORG_ADMIN],
        description="Let an organization be reached from some networks only: by people, keys, "
        "agents and runs, over every transport. Connections from elsewhere end within a second. A "
        "list that does not hold the caller's own address is refused.",
    )
    async def organization_allowlist_update(
        self,
        info: Info,
        input: Annotated[
            OrganizationAllowlistUpdateInput, strawberry.argument(description="The networks.")
        ],
    ) -> OrganizationPayload:
        context = info.context
        id_ = own_organization(context, input.id)
        async with context.organization_work() as work:
            row = await allowlists.set_networks(
                work,
                organization_id=id_,
                networks=input.networks,
                address=context.origin.address,
                expected_version=input.expected_version,
            )
        return OrganizationPayload(organization=show_organization(row))
