"""Support access: who of the installation's operators looked into an organization, and why."""

from datetime import datetime
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import NotFound
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.support_grants import Made, OperatedGrant, SupportRole, SupportState
from headgate_server.domain.support_grants import SupportAccess as SupportAccess
from headgate_server.domain.support_grants import SupportGrant as SupportGrantRow
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.shapes.beginnings import claim
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.services import support_grants

strawberry.enum(
    SupportAccess,
    description="Whether operators may look into an organization: never, once an owner approves, "
    "or whenever they say why.",
)
strawberry.enum(
    SupportRole,
    description="What support may do: as the built-in role of that name, but for secrets, for "
    "running things itself, and for what would outlast the grant.",
)
strawberry.enum(SupportState, description="Where a grant of support access stands.")


@strawberry.type(description="What support made or changed, and did not delete again.")
class SupportGrantMade:
    action: str = strawberry.field(description="What it did last, such as deployment.created.")
    kind: str = strawberry.field(description="What it is, such as deployment.")
    id: strawberry.ID = strawberry.field(description="Its id.")
    name: str = strawberry.field(description="What people call it.")
    at: datetime = strawberry.field(description="When.")


@strawberry.type(description="Access of an operator to an organization, for a while.")
class SupportGrant:
    id: strawberry.ID = strawberry.field(description="Its id.")
    operator_name: str = strawberry.field(description="Who asked.")
    role: SupportRole = strawberry.field(description="What they may do.")
    reason: str = strawberry.field(description="Why.")
    hours: int = strawberry.field(description="How long it lasts from its approval on.")
    state: SupportState = strawberry.field(description="Where it stands now.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    approved_at: datetime | None = strawberry.field(description="When it began; null if never.")
    approved_by_name: str | None = strawberry.field(
        description="Who approved it; the operator where the organization allows that."
    )
    expires_at: datetime | None = strawberry.field(
        description="When it ends by itself; null before it is approved."
    )
    ended_at: datetime | None = strawberry.field(
        description="When somebody ended or declined it; null if nobody did."
    )
    row: strawberry.Private[SupportGrantRow]

    @scoped_field(
        requires=[Scope.AUDIT_READ],
        description="What support made or changed in it and did not delete again: it outlasts the "
        "grant, and lets nobody in. The latest first, at most 1,000.",
        directives=[Cost(weight=5, list_size=50)],
    )
    async def made(self, info: Info) -> list[SupportGrantMade]:
        async with info.context.organization_work() as work:
            rows = await support_grants.list_made(work, self.row)
        claim(info.context, len(rows))
        return [_show_made(row) for row in rows]


@strawberry.type(description="Access to an organization that the caller asked for, as operator.")
class OperatedSupportGrant:
    id: strawberry.ID = strawberry.field(description="Its id.")
    organization_id: strawberry.ID = strawberry.field(description="Whose it is to approve.")
    organization_slug: str = strawberry.field(
        description="What requests name in X-Headgate-Organization."
    )
    organization_name: str = strawberry.field(description="For people.")
    role: SupportRole = strawberry.field(description="What the caller may do.")
    reason: str = strawberry.field(description="Why.")
    state: SupportState = strawberry.field(description="Where it stands now.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    expires_at: datetime | None = strawberry.field(
        description="When it ends by itself; null before it is approved."
    )
    ended_at: datetime | None = strawberry.field(
        description="When somebody ended or declined it; null if nobody did."
    )


@strawberry.type(description="What operators asked organizations for.")
class OperatedSupport:
    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Support access that the caller asked for, the latest first.",
    )
    async def support_grants(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[OperatedSupportGrant]:
        context = info.context
        operator_id = context.principal.actor.id
        if operator_id is None:
            raise NotFound
        listing: Listing[OperatedGrant] = Listing(
            of=fingerprint("operated_support_grants", operator_id),
            key=lambda row: (row.grant.requested_at, row.grant.id),
            key_types=tuple[datetime, UUID],
        )
        page = listing.request(first=first, after=after)
        async with context.operator_work() as work:
            rows = await support_grants.list_operated(work, operator_id=operator_id, page=page)

        async def count(cap: int) -> int:
            async with context.operator_work() as work:
                return await support_grants.count_operated(work, operator_id=operator_id, cap=cap)

        return connect(rows, listing=listing, show=show_operated_grant, count=count)


def show_support_grant(row: SupportGrantRow) -> SupportGrant:
    """Return a grant, and where it stands by the clock of this machine."""
    return SupportGrant(
        id=show_id(ids.Kind.SUPPORT_GRANT, row.id),
        operator_name=row.operator.display_name,
        role=row.role,
        reason=row.reason,
        hours=int(row.duration.total_seconds() // 3600),
        state=row.state(SystemClock().now()),
        requested_at=row.requested_at,
        approved_at=row.approved_at,
        approved_by_name=row.approved_by.display_name if row.approved_by else None,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        row=row,
    )


def show_operated_grant(row: OperatedGrant) -> OperatedSupportGrant:
    """Return a grant for the operator who asked for it."""
    grant = row.grant
    return OperatedSupportGrant(
        id=show_id(ids.Kind.SUPPORT_GRANT, grant.id),
        organization_id=show_id(ids.Kind.ORGANIZATION, grant.organization_id),
        organization_slug=row.organization_slug,
        organization_name=row.organization_name,
        role=grant.role,
        reason=grant.reason,
        state=grant.state(SystemClock().now()),
        requested_at=grant.requested_at,
        expires_at=grant.expires_at,
        ended_at=grant.ended_at,
    )


def _show_made(row: Made) -> SupportGrantMade:
    return SupportGrantMade(
        action=row.action,
        kind=row.kind,
        id=show_id(ids.Kind[row.kind.upper()], row.id),
        name=row.name,
        at=row.at,
    )
