"""Mutations on organizations."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.roles import own_organization
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import DeleteInput, DeletePayload, IdInput
from headgate_server.graphql.types.organizations import Organization, show_organization
from headgate_server.services import closing, login_sessions, organizations


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
        "The old one goes on leading here, and is nobody else's; twenty are kept in all.",
    )
    require_second_factor: bool | None = strawberry.field(
        default=None,
        description="Let in only people who have signed in with a second factor, or with a "
        "provider; sockets of others close within seconds. Who asks for it needs one, too.",
    )


@strawberry.input(description="An organization to be made.")
class OrganizationCreateInput:
    slug: str = strawberry.field(
        description="1 to 50 lower-case letters, digits and hyphens; unique in the installation."
    )
    name: str = strawberry.field(description="1 to 200 characters.")


@strawberry.input(description="An organization to be archived, or opened again.")
class OrganizationArchiveInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    archived: bool = strawberry.field(description="Archive it, or open it again.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the organization has another version by now."
    )


@strawberry.input(description="An organization to be suspended.")
class OrganizationSuspendInput:
    id: strawberry.ID = strawberry.field(description="Which one.")
    reason: str = strawberry.field(
        description="Its people are told: 1 to 500 characters, one line."
    )


@strawberry.type(description="An organization that was made or changed.")
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
        if input.require_second_factor:
            await _check_own_factor(info.context)
        async with info.context.organization_work() as work:
            row = await organizations.update_organization(
                work,
                id_=id_,
                slug=given(input.slug),
                name=given(input.name),
                requires_second_factor=given(input.require_second_factor),
                expected_version=input.expected_version,
            )
        return OrganizationPayload(organization=show_organization(row))

    @mutation(
        requires=[],
        description="Make an organization, which the caller then owns. Operators of the "
        "installation may; with HEADGATE_ORGANIZATIONS_BY=people everybody who is signed in to "
        "one.",
    )
    async def organization_create(
        self,
        info: Info,
        input: Annotated[OrganizationCreateInput, strawberry.argument(description="What.")],
    ) -> OrganizationPayload:
        context = info.context
        async with context.founder_work() as work:
            row = await organizations.found_organization(
                work, slug=input.slug, name=input.name, founder=context.principal.actor
            )
        return OrganizationPayload(organization=show_organization(row))

    @mutation(
        requires=[Scope.ORG_ADMIN],
        description="Archive all workspaces of an organization in one go, or open all of them "
        "again, as workspaceArchive does with one. Its people, roles and keys stay.",
    )
    async def organization_archive(
        self,
        info: Info,
        input: Annotated[OrganizationArchiveInput, strawberry.argument(description="Which.")],
    ) -> OrganizationPayload:
        context = info.context
        id_ = own_organization(context, input.id)
        context.demand(None)
        async with context.system_work() as work:
            row = await closing.archive_organization(
                work,
                id_=id_,
                is_archived=input.archived,
                expected_version=input.expected_version,
            )
        return OrganizationPayload(organization=show_organization(row))

    @mutation(
        requires=[Scope.BILLING_WRITE],
        description="Delete an organization whose workspaces are all archived, for good: owners "
        "only. Access ends at once; keys and rows go as those of a workspace.",
    )
    async def organization_delete(
        self, info: Info, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        context = info.context
        id_ = own_organization(context, input.id)
        context.demand(None)
        async with context.system_work() as work:
            await closing.delete_organization(
                work, id_=id_, expected_version=input.expected_version
            )
        return DeletePayload(deleted_id=input.id)

    @mutation(
        requires=[],
        description="Suspend an organization: operators of the installation only. Its people and "
        "keys are refused with the reason, and nothing starts; what runs goes on.",
    )
    async def organization_suspend(
        self,
        info: Info,
        input: Annotated[OrganizationSuspendInput, strawberry.argument(description="Which.")],
    ) -> OrganizationPayload:
        async with info.context.operator_work() as work:
            id_ = ids.parse(input.id, kind=ids.Kind.ORGANIZATION)
            row = await closing.suspend_organization(work, id_=id_, reason=input.reason)
        return OrganizationPayload(organization=show_organization(row))

    @mutation(
        requires=[],
        description="End the suspension of an organization: operators of the installation only. "
        "Its schedules go on from where they stopped, with their catch-up.",
    )
    async def organization_resume(
        self, info: Info, input: Annotated[IdInput, strawberry.argument(description="Which.")]
    ) -> OrganizationPayload:
        async with info.context.operator_work() as work:
            id_ = ids.parse(input.id, kind=ids.Kind.ORGANIZATION)
            row = await closing.resume_organization(work, id_=id_)
        return OrganizationPayload(organization=show_organization(row))


async def _check_own_factor(context: OperationContext) -> None:
    """Keep a person from shutting themselves out.

    Raises:
        Forbidden: their session has no second factor.
    """
    session_id = context.principal.login_session_id
    if session_id is not None and not await login_sessions.has_second_factor(
        context.backend.database, session_id=session_id
    ):
        raise Forbidden("Sign in with a second factor of your own first, or with a provider.")
