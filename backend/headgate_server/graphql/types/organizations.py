"""Organizations: tenants."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.members import Invitation as InvitationRow
from headgate_server.domain.members import Membership as MembershipRow
from headgate_server.domain.members import Team as TeamRow
from headgate_server.domain.organizations import Organization as OrganizationRow
from headgate_server.domain.organizations import Overview
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.service_accounts import ServiceAccount as ServiceAccountRow
from headgate_server.domain.support_grants import SupportGrant as SupportGrantRow
from headgate_server.domain.workspaces import Workspace as WorkspaceRow
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.filters import WorkspaceFilter
from headgate_server.graphql.shapes.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.graphql.types import api_keys, audit_entries
from headgate_server.graphql.types.api_keys import ApiKey
from headgate_server.graphql.types.audit_entries import AuditEntry, AuditFilter
from headgate_server.graphql.types.invitations import Invitation, show_invitation
from headgate_server.graphql.types.members import (
    Membership,
    Team,
    show_membership,
    show_team,
)
from headgate_server.graphql.types.quotas import Days, Quota, UsageDay, show_day, show_quota
from headgate_server.graphql.types.roles import Role, show_role
from headgate_server.graphql.types.service_accounts import ServiceAccount, show_service_account
from headgate_server.graphql.types.support_grants import (
    OperatedSupport,
    SupportAccess,
    SupportGrant,
    show_support_grant,
)
from headgate_server.graphql.types.workspaces import Workspace, show_workspace
from headgate_server.services import (
    invitations,
    members,
    organizations,
    quotas,
    roles,
    service_accounts,
    support_grants,
    workspaces,
)

Workspaces = Annotated[
    WorkspaceFilter | None, strawberry.argument(description="Only those that match this.")
]

AuditEntries = Annotated[
    AuditFilter | None, strawberry.argument(description="Only those that match this.")
]


@strawberry.type(description="A tenant: it owns workspaces.")
class Organization(Node, Versioned):
    slug: str = strawberry.field(description="Its name in addresses; unique.")
    name: str = strawberry.field(description="For people; 1 to 200 characters.")
    requires_second_factor: bool = strawberry.field(
        description="Whether it lets in only people who have signed in with a second factor, or "
        "with a provider. Keys are not asked."
    )
    row: strawberry.Private[OrganizationRow]

    @scoped_field(
        requires=ANY_CREDENTIAL, description="The workspaces the caller may enter, by slug."
    )
    async def workspaces(
        self, info: Info, first: First = None, after: After = None, filter: Workspaces = None
    ) -> Connection[Workspace]:
        organization_id, context = self.row.id, info.context
        wanted, only = filter.to_filter() if filter else None, context.own_workspace_ids()
        listing: Listing[WorkspaceRow] = Listing(
            of=fingerprint("workspaces", organization_id, wanted),
            key=lambda row: (row.slug, row.id),
            key_types=tuple[str, UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.organization_work() as work:
            rows = await workspaces.list_workspaces(
                work, organization_id=organization_id, page=page, filter=wanted, only=only
            )

        async def count(cap: int) -> int:
            async with context.organization_work() as work:
                return await workspaces.count_workspaces(
                    work, organization_id=organization_id, filter=wanted, only=only, cap=cap
                )

        return connect(rows, listing=listing, show=show_workspace, count=count)

    @scoped_field(requires=[Scope.ORG_READ], description="Its machines, oldest first.")
    async def service_accounts(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[ServiceAccount]:
        organization_id, context = self.row.id, info.context
        listing: Listing[ServiceAccountRow] = Listing(
            of=fingerprint("service_accounts", organization_id),
            key=lambda row: (row.id,),
            key_types=tuple[UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.organization_work() as work:
            rows = await service_accounts.list_service_accounts(
                work, organization_id=organization_id, page=page
            )

        async def count(cap: int) -> int:
            async with context.organization_work() as work:
                return await service_accounts.count_service_accounts(
                    work, organization_id=organization_id, cap=cap
                )

        def show_row(row: ServiceAccountRow) -> ServiceAccount:
            return show_service_account(row.id, row.display_name)

        return connect(rows, listing=listing, show=show_row, count=count)

    @scoped_field(
        requires=[Scope.ORG_ADMIN],
        description="The keys of its people and machines, oldest first; those that were revoked "
        "and those that have expired, too.",
    )
    async def api_keys(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[ApiKey]:
        return await api_keys.list_of(info, organization_id=self.row.id, first=first, after=after)

    @scoped_field(requires=[Scope.ORG_READ], description="Its people, who joined first first.")
    async def members(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[Membership]:
        context = info.context
        listing: Listing[MembershipRow] = Listing(
            of=fingerprint("members", self.row.id),
            key=lambda row: (row.joined_at, row.id),
            key_types=tuple[datetime, UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.organization_work() as work:
            rows = await members.list_members(work, page=page)

        async def count(cap: int) -> int:
            async with context.organization_work() as work:
                return await members.count_members(work, cap=cap)

        return connect(rows, listing=listing, show=show_membership, count=count)

    @scoped_field(
        requires=[Scope.MEMBERS_WRITE],
        description="Invitations that nobody accepted or revoked, the latest first; expired ones, "
        "too.",
    )
    async def invitations(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[Invitation]:
        context = info.context
        listing: Listing[InvitationRow] = Listing(
            of=fingerprint("invitations", self.row.id),
            key=lambda row: (row.created_at, row.id),
            key_types=tuple[datetime, UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.organization_work() as work:
            rows = await invitations.list_invitations(work, page=page)

        async def count(cap: int) -> int:
            async with context.organization_work() as work:
                return await invitations.count_invitations(work, cap=cap)

        return connect(rows, listing=listing, show=show_invitation, count=count)

    @scoped_field(requires=[Scope.ORG_READ], description="Its teams, by name.")
    async def teams(self, info: Info, first: First = None, after: After = None) -> Connection[Team]:
        context = info.context
        listing: Listing[TeamRow] = Listing(
            of=fingerprint("teams", self.row.id),
            key=lambda row: (row.name, row.id),
            key_types=tuple[str, UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.organization_work() as work:
            rows = await members.list_teams(work, page=page)

        async def count(cap: int) -> int:
            async with context.organization_work() as work:
                return await members.count_teams(work, cap=cap)

        return connect(rows, listing=listing, show=show_team, count=count)

    @scoped_field(
        requires=[Scope.AUDIT_READ],
        description="Who changed what in it and its workspaces, the latest first.",
        directives=[Cost(weight=5)],
    )
    async def audit_log(
        self, info: Info, first: First = None, after: After = None, filter: AuditEntries = None
    ) -> Connection[AuditEntry]:
        return await audit_entries.list_of(
            info, organization_id=self.row.id, filter_=filter, first=first, after=after
        )

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="The built-in roles, the most powerful first, then its own by name.",
        directives=[Cost(weight=1, list_size=50)],
    )
    async def roles(self, info: Info) -> list[Role]:
        async with info.context.organization_work() as work:
            return [show_role(row) for row in await roles.list_roles(work)]

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="The networks from which it may be reached; none lets every address in.",
    )
    def allowed_networks(self, info: Info) -> list[str]:
        info.context.demand(None)
        return list(self.row.allowed_networks)

    @scoped_field(
        requires=[Scope.ORG_READ], description="Whether operators may look into it; owners say so."
    )
    def support_access(self) -> SupportAccess:
        return self.row.support_access

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="Who of the installation's operators asked to look into it, the latest first.",
    )
    async def support_grants(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[SupportGrant]:
        context = info.context
        listing: Listing[SupportGrantRow] = Listing(
            of=fingerprint("support_grants", self.row.id),
            key=lambda row: (row.requested_at, row.id),
            key_types=tuple[datetime, UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.organization_work() as work:
            rows = await support_grants.list_grants(work, page=page)

        async def count(cap: int) -> int:
            async with context.organization_work() as work:
                return await support_grants.count_grants(work, cap=cap)

        return connect(rows, listing=listing, show=show_support_grant, count=count)

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="Its quotas, by kind; operators of the installation set them.",
        directives=[Cost(weight=2, list_size=10)],
    )
    async def quotas(self, info: Info) -> list[Quota]:
        async with info.context.organization_work() as work:
            rows = await quotas.list_quotas(work, organization_id=self.row.id)
        return [show_quota(row) for row in rows]

    @scoped_field(
        requires=[Scope.ORG_READ],
        description="What it used, day by day, the latest first; idle days are left out.",
        directives=[Cost(weight=2, list_size=30)],
    )
    async def usage_days(self, info: Info, days: Days = 31) -> list[UsageDay]:
        async with info.context.organization_work() as work:
            rows = await quotas.list_days(work, organization_id=self.row.id, days=days)
        return [show_day(row) for row in rows]


def show_organization(row: OrganizationRow) -> Organization:
    """Return an organization."""
    return Organization(
        id=show_id(ids.Kind.ORGANIZATION, row.id),
        slug=row.slug,
        name=row.name,
        version=row.version,
        updated_at=row.updated_at,
        requires_second_factor=row.requires_second_factor,
        row=row,
    )


@strawberry.type(description="An organization as operators see it: nothing of what is in it.")
class OperatedOrganization:
    id: strawberry.ID = strawberry.field(description="Its id.")
    slug: str = strawberry.field(description="Its name in addresses.")
    name: str = strawberry.field(description="For people.")
    created_at: datetime = strawberry.field(description="When it was made.")
    suspended_at: datetime | None = strawberry.field(
        description="Since when it is suspended; null where it is not."
    )
    suspended_because: str | None = strawberry.field(description="Why.")
    member_count: int = strawberry.field(description="How many people belong to it.")
    workspace_count: int = strawberry.field(description="How many workspaces it has.")
    row: strawberry.Private[OrganizationRow]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Its quotas, by kind.",
        directives=[Cost(weight=2, list_size=10)],
    )
    async def quotas(self, info: Info) -> list[Quota]:
        async with info.context.operator_work() as work:
            rows = await quotas.list_quotas(work, organization_id=self.row.id)
        return [show_quota(row) for row in rows]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What it used, day by day, the latest first; idle days are left out.",
        directives=[Cost(weight=2, list_size=30)],
    )
    async def usage_days(self, info: Info, days: Days = 31) -> list[UsageDay]:
        async with info.context.operator_work() as work:
            rows = await quotas.list_days(work, organization_id=self.row.id, days=days)
        return [show_day(row) for row in rows]


@strawberry.type(description="The operator's side of an installation.")
class Operator(OperatedSupport):
    @scoped_field(requires=ANY_CREDENTIAL, description="All organizations, by slug.")
    async def organizations(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[OperatedOrganization]:
        context = info.context
        listing: Listing[Overview] = Listing(
            of=fingerprint("operated_organizations"),
            key=lambda row: (row.organization.slug, row.organization.id),
            key_types=tuple[str, UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.operator_work() as work:
            rows = await organizations.list_overviews(work, page=page)

        async def count(cap: int) -> int:
            async with context.operator_work() as work:
                return await organizations.count_organizations(work, cap=cap)

        return connect(rows, listing=listing, show=_show_overview, count=count)


def _show_overview(row: Overview) -> OperatedOrganization:
    found = row.organization
    return OperatedOrganization(
        id=show_id(ids.Kind.ORGANIZATION, found.id),
        slug=found.slug,
        name=found.name,
        created_at=row.created_at,
        suspended_at=found.suspended_at,
        suspended_because=found.suspended_because,
        member_count=row.member_count,
        workspace_count=row.workspace_count,
        row=found,
    )


shows(OrganizationRow, by=show_organization)
reads(
    ids.Kind.ORGANIZATION,
    by=NodeKind(
        fetch=organizations.get_many_organizations,
        scope=Scope.ORG_READ,
        is_of_organization=True,
    ),
)
