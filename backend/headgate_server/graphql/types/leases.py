"""Leases: who may execute a run, under which epoch, until when."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.leases import (
    LeaseOutcome,
    LeaseRef,
    PauseKind,
    Phase,
    Verdict,
    WorkItem,
)
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import Principal
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.shapes.nodes import load, show_id
from headgate_server.graphql.shapes.plain_inputs import plain
from headgate_server.services import agents

if TYPE_CHECKING:
    from headgate_server.graphql.types.agents import Agent

strawberry.enum(LeaseOutcome, description="What a renewal says of one lease.")


@strawberry.enum(
    description="Offered: the run is still SCHEDULED. Claimed: PENDING. Running: past the start "
    "gate."
)
class LeasePhase(StrEnum):
    OFFERED = "OFFERED"
    CLAIMED = "CLAIMED"
    RUNNING = "RUNNING"


@plain
@strawberry.input(description="What a holder shows of its lease.")
class LeaseInput:
    run_id: strawberry.ID = strawberry.field(description="The leased run.")
    lease_token: str = strawberry.field(description="As it was offered or begun; opaque.")
    epoch: int = strawberry.field(description="As it was offered or begun.")

    def to_ref(self, *path: str) -> LeaseRef:
        """Return the lease that was shown.

        Raises:
            InvalidInput: an id or a token that cannot be one; ``path`` leads to this input.
        """
        run_id = ids.parse(self.run_id, kind=ids.Kind.FLOW_RUN)
        token = parse_uuid(self.lease_token, path=[*path, "leaseToken"])
        return LeaseRef(run_id=run_id, token=token, epoch=self.epoch)

    def to_own_ref(self, principal: Principal) -> LeaseRef:
        """Return the lease that was shown, which a run's token can show for its own run only.

        Raises:
            InvalidInput: an id or a token that cannot be one.
            Forbidden: the lease of another run than the token's.
        """
        lease = self.to_ref("lease")
        check_own_run(principal, lease.run_id)
        return lease


def own_run_id(principal: Principal, shown_id: str) -> UUID:
    """Return the id of a run, which for a run's token is that run's own.

    Raises:
        InvalidId: not the id of a run.
        Forbidden: another run than the token's.
    """
    run_id = ids.parse(shown_id, kind=ids.Kind.FLOW_RUN)
    check_own_run(principal, run_id)
    return run_id


def check_own_run(principal: Principal, run_id: UUID) -> None:
    """Go on only if the caller's credential is not another run's.

    Raises:
        Forbidden: it is.
    """
    if principal.run is not None and principal.run.run_id != run_id:
        raise Forbidden("A run's token acts for that run only; use the other run's own token.")


def parse_uuid(text: str, *, path: list[str]) -> UUID:
    """Return a UUID made by a client.

    Raises:
        InvalidInput: not a UUID.
    """
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(f"{path[-1]} is a UUID.", path=path) from None


@strawberry.type(description="The live lease of a run.")
class RunLease:
    phase: LeasePhase = strawberry.field(description="How far its holder has come.")
    epoch: int = strawberry.field(description="Rises with every offer; fences out old holders.")
    expires_at: datetime = strawberry.field(description="When it lapses without a renewal.")
    offered_at: datetime = strawberry.field(description="When it was offered, or the run begun.")
    claimed_at: datetime | None = strawberry.field(description="When it was claimed.")
    delivery_count: int = strawberry.field(description="How often the run was offered.")
    item: strawberry.Private[WorkItem]

    @scoped_field(
        requires=[Scope.POOLS_READ],
        description="The agent that holds it; null for a run in its caller's own process.",
    )
    async def agent(
        self, info: Info
    ) -> Annotated["Agent", strawberry.lazy("headgate_server.graphql.types.agents")] | None:
        item = self.item
        shown: Any = await load(
            info.context, agents.get_many_agents, item.agent_id, workspace_id=item.workspace_id
        )
        return shown


def show_lease(item: WorkItem) -> RunLease | None:
    """Return the lease in a work item; None where nobody holds it."""
    since = item.offered_at or item.claimed_at
    if item.phase is Phase.READY or item.fence_until is None or since is None:
        return None
    return RunLease(
        phase=LeasePhase(item.phase.value),
        epoch=item.epoch,
        expires_at=item.fence_until,
        offered_at=since,
        claimed_at=item.claimed_at,
        delivery_count=item.deliveries,
        item=item,
    )


@strawberry.type(description="A lease as its holder knows it.")
class RunLeaseRef:
    run_id: strawberry.ID = strawberry.field(description="The leased run.")
    epoch: int = strawberry.field(description="Its epoch.")
    expires_at: datetime = strawberry.field(description="When it lapses without a renewal.")
    cancel_requested: bool = strawberry.field(description="Whether the run is to be cancelled.")


@strawberry.type(
    description="A pause that somebody asked for: the run's process asks for it with flowRunPause "
    "before its next task."
)
class PauseRequest:
    key: str = strawberry.field(description="Under which key.")
    suspend: bool = strawberry.field(description="Whether the process is to end.")


@strawberry.type(description="The answer to one lease that a holder showed.")
class LeaseVerdict:
    run_id: strawberry.ID = strawberry.field(description="The run.")
    epoch: int = strawberry.field(description="The epoch that was shown.")
    outcome: LeaseOutcome = strawberry.field(description="What the holder is to do now.")
    expires_at: datetime | None = strawberry.field(
        description="Until when the lease is good; null if it is lost."
    )
    grace_seconds: int | None = strawberry.field(
        description="How long the process may take to stop before it is killed; null where no "
        "cancel was requested."
    )
    pause_request: PauseRequest | None = strawberry.field(
        description="The pause that somebody asked for; null where nobody did."
    )


def show_verdict(row: Verdict) -> LeaseVerdict:
    """Return a verdict."""
    return LeaseVerdict(
        run_id=show_id(ids.Kind.FLOW_RUN, row.run_id),
        epoch=row.epoch,
        outcome=row.outcome,
        expires_at=row.expires_at,
        grace_seconds=row.grace_seconds,
        pause_request=PauseRequest(key=row.pause_key, suspend=row.pause_kind is PauseKind.SUSPEND)
        if row.pause_key is not None
        else None,
    )


def show_held(row: Verdict) -> RunLeaseRef | None:
    """Return a held lease in the first message of a stream; None for one that is lost."""
    if row.expires_at is None:
        return None
    return RunLeaseRef(
        run_id=show_id(ids.Kind.FLOW_RUN, row.run_id),
        epoch=row.epoch,
        expires_at=row.expires_at,
        cancel_requested=row.outcome is LeaseOutcome.CANCEL_REQUESTED,
    )
