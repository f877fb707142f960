"""Support access: who of the installation's operators looked into an organization, and why."""

from datetime import datetime

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.support_grants import SupportAccess as SupportAccess
from headgate_server.domain.support_grants import SupportGrant as SupportGrantRow
from headgate_server.domain.support_grants import SupportRole, SupportState
from headgate_server.graphql.shapes.nodes import show_id

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
    )
