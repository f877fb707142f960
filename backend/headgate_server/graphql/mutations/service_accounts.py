"""Mutations on service accounts."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import DeletePayload, IdInput
from headgate_server.graphql.types.service_accounts import ServiceAccount, show_service_account
from headgate_server.services import service_accounts


@strawberry.input(description="A machine to be made.")
class ServiceAccountCreateInput:
    organization_id: strawberry.ID = strawberry.field(description="In which organization.")
    name: str = strawberry.field(description="1 to 200 characters.")


@strawberry.type(description="A machine that was made.")
class ServiceAccountPayload:
    service_account: ServiceAccount | None = payload_field("The machine.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class ServiceAccountMutations:
    @mutation(requires=[Scope.ORG_ADMIN], description="Make a machine that can hold keys.")
    async def service_account_create(
        self,
        info: Info,
        input: Annotated[ServiceAccountCreateInput, strawberry.argument(description="Which.")],
    ) -> ServiceAccountPayload:
        organization_id = ids.parse(input.organization_id, kind=ids.Kind.ORGANIZATION)
        async with info.context.organization_work() as work:
            row = await service_accounts.create_service_account(
                work, organization_id=organization_id, name=input.name
            )
        shown = show_service_account(row.id, row.display_name)
        return ServiceAccountPayload(service_account=shown)

    @mutation(
        requires=[Scope.ORG_ADMIN],
        description="Delete a machine with its roles, and revoke its keys. Needs all that it "
        "holds.",
    )
    async def service_account_delete(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.SERVICE_ACCOUNT)
        async with info.context.organization_work() as work:
            await service_accounts.delete_service_account(
                work, granter=info.context.principal, id_=id_
            )
        return DeletePayload(deleted_id=input.id)
