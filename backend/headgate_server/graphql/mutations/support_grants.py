"""Mutations on support access."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.permissions import Scope
from headgate_server.domain.support_grants import SupportRole, SupportState
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.organizations import OrganizationPayload
from headgate_server.graphql.mutations.roles import own_organization
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import IdInput
from headgate_server.graphql.types.organizations import show_organization
from headgate_server.graphql.types.support_grants import (
    SupportAccess,
    SupportGrant,
    show_support_grant,
)
from headgate_server.services import support_grants


@strawberry.input(description="Access that an operator asks for.")
class SupportGrantRequestInput:
    organization_id: strawberry.ID = strawberry.field(description="Whom.")
    reason: str = strawberry.field(
        description="Why: the organization reads it. 1 to 500 characters, one line."
    )
    role: SupportRole = strawberry.field(default=SupportRole.VIEWER, description="What for.")
    hours: int = strawberry.field(
        default=4, description="How long it lasts from its approval on: 1 to 72."
    )


@strawberry.input(description="Whether operators may look into an organization.")
class OrganizationSupportAccessUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    access: SupportAccess = strawberry.field(description="Whether.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the organization has another version by now."
    )


@strawberry.type(description="Support access that was asked for, approved or ended.")
class SupportGrantPayload:
    support_grant: SupportGrant | None = payload_field("The grant.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="Support access that the operator who asked for it gave back.")
class OperatedSupportGrantPayload:
    state: SupportState | None = payload_field("Where it stands from now on.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class SupportGrantMutations:
    @mutation(
        requires=[],
        description="Ask an organization for access: operators of the installation only. An owner "
        "approves it, unless the organization allows it at once; then requests that name its slug "
        "in X-Headgate-Organization act in it. Everything read or done is in its audit log.",
    )
    async def support_grant_request(
        self,
        info: Info,
        input: Annotated[SupportGrantRequestInput, strawberry.argument(description="What.")],
    ) -> SupportGrantPayload:
        async with info.context.operator_work() as work:
            row = await support_grants.request_grant(
                work,
                operator=info.context.principal.actor,
                organization_id=ids.parse(input.organization_id, kind=ids.Kind.ORGANIZATION),
                role=input.role,
                reason=input.reason,
                hours=input.hours,
            )
        return SupportGrantPayload(support_grant=show_support_grant(row))

    @mutation(
        requires=[Scope.BILLING_WRITE],
        description="Approve what an operator asked for: owners only. It ends by itself.",
    )
    async def support_grant_approve(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> SupportGrantPayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.SUPPORT_GRANT)
        async with context.organization_work() as work:
            row = await support_grants.approve_grant(work, id_=id_, by=context.principal.actor)
        return SupportGrantPayload(support_grant=show_support_grant(row))

    @mutation(
        requires=[Scope.ORG_ADMIN],
        description="End support access, or decline a request; connections end within a second.",
    )
    async def support_grant_end(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> SupportGrantPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.SUPPORT_GRANT)
        async with info.context.organization_work() as work:
            row = await support_grants.end_grant(work, id_=id_)
        return SupportGrantPayload(support_grant=show_support_grant(row))

    @mutation(
        requires=[],
        description="End support access that the caller asked for, or withdraw the request: "
        "operators of the installation only. What support made stays.",
    )
    async def support_grant_withdraw(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> OperatedSupportGrantPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.SUPPORT_GRANT)
        async with info.context.operator_work() as work:
            row = await support_grants.withdraw_grant(
                work, id_=id_, operator=info.context.principal.actor
            )
        return OperatedSupportGrantPayload(state=row.state(SystemClock().now()))

    @mutation(
        requires=[Scope.BILLING_WRITE],
        description="Say whether operators may look into an organization: owners only. What is "
        "granted already goes on until it ends.",
    )
    async def organization_support_access_update(
        self,
        info: Info,
        input: Annotated[
            OrganizationSupportAccessUpdateInput, strawberry.argument(description="Whether.")
        ],
    ) -> OrganizationPayload:
        id_ = own_organization(info.context, input.id)
        async with info.context.organization_work() as work:
            row = await support_grants.set_access(
                work,
                organization_id=id_,
                access=input.access,
                expected_version=input.expected_version,
            )
        return OrganizationPayload(organization=show_organization(row))
