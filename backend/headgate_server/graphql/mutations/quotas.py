"""Mutations on quotas: of operators only."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput
from headgate_server.graphql.enums import QuotaKind
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import BigInt
from headgate_server.graphql.types.quotas import Quota, show_quota
from headgate_server.services import quotas


@strawberry.input(description="A limit of an organization.")
class QuotaInput:
    kind: QuotaKind = strawberry.field(description="What is limited.")
    limit: BigInt | None = strawberry.field(
        description="How much; 0 does not limit, null lets the installation's default count."
    )


@strawberry.input(description="Quotas of an organization; those not named keep their limits.")
class OrganizationQuotasUpdateInput:
    id: strawberry.ID = strawberry.field(description="Whose.")
    quotas: list[QuotaInput] = strawberry.field(description="The limits to set; each kind once.")


@strawberry.type(description="The quotas that an organization has from now on.")
class OrganizationQuotasPayload:
    quotas: list[Quota] | None = payload_field("All of them, by kind.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class QuotaMutations:
    @mutation(
        requires=[],
        description="Set quotas of an organization: operators of the installation only. What runs "
        "goes on, whatever they are; they are in force at every replica within two seconds.",
    )
    async def organization_quotas_update(
        self,
        info: Info,
        input: Annotated[
            OrganizationQuotasUpdateInput, strawberry.argument(description="The limits.")
        ],
    ) -> OrganizationQuotasPayload:
        async with info.context.operator_work() as work:
            limits = {one.kind: one.limit for one in input.quotas}
            if len(limits) < len(input.quotas):
                raise InvalidInput("Name each quota once.", path=["quotas"])
            rows = await quotas.set_quotas(
                work,
                organization_id=ids.parse(input.id, kind=ids.Kind.ORGANIZATION),
                limits=limits,
            )
        return OrganizationQuotasPayload(quotas=[show_quota(row) for row in rows])
