"""Mutations on leases: what agents and runs do with the runs they hold."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.dispatch.renewals import Heartbeat
from headgate_server.domain import api_keys, ids
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import InvalidInput, SessionFenced
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import Principal
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.payloads import RunStatePayload, show_transition
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.payloads import DeletePayload
from headgate_server.graphql.shapes.states import StateInput
from headgate_server.graphql.types.flow_runs import FlowRun, show_flow_run
from headgate_server.graphql.types.leases import LeaseInput, LeaseVerdict, show_verdict
from headgate_server.services.flow_runs.read import get_many_flow_runs
from headgate_server.services.leases import hold

MAX_REASON_LENGTH = 500


@strawberry.input(description="A run to be claimed, as it was offered.")
class RunClaimInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")
    lease: LeaseInput = strawberry.field(description="The offer.")


@strawberry.type(description="A claimed run. The same offer claimed again is answered the same.")
class RunClaimPayload:
    run: FlowRun | None = payload_field("The run, PENDING now.")
    run_token: str | None = payload_field(
        "The only credential for the run's own process; dies with the lease."
    )
    lease_expires_at: datetime | None = payload_field("When the claim lapses without a renewal.")
    job: JSON | None = payload_field("What to start: entrypoint, parameters, job variables.")
    errors: list[MutationError] = errors_field()


@strawberry.input(description="An offer that is given back.")
class RunDeclineInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")
    lease: LeaseInput = strawberry.field(description="The offer.")
    reason: str = strawberry.field(description="Why; at most 500 characters.")
    retry_after: timedelta | None = strawberry.field(
        default=None, description="When to offer it again: 0 to 1 hour; at once if not said."
    )


@strawberry.input(description="A run that ended without a word from its own process.")
class RunReleaseInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")
    lease: LeaseInput = strawberry.field(description="The lease of the run.")
    final_state: StateInput = strawberry.field(description="CRASHED, CANCELLED or FAILED.")


@strawberry.input(description="A lease that is renewed by the run's own process.")
class RunRenewInput:
    lease: LeaseInput = strawberry.field(description="The lease of the run.")


@strawberry.type(description="What a renewal came to.")
class RunRenewPayload:
    verdict: LeaseVerdict | None = payload_field("CANCEL_REQUESTED: cancel the flow.")
    server_time: datetime = strawberry.field(
        default_factory=SystemClock().now, description="The server's time."
    )
    errors: list[MutationError] = errors_field()


def own_session(principal: Principal, shown_id: str) -> UUID:
    """Return the id of the caller's own agent session.

    Raises:
        SessionFenced: another session's id, or a credential that is no session's.
    """
    session_id = ids.parse(shown_id, kind=ids.Kind.AGENT_SESSION)
    if principal.agent_session_id != session_id:
        raise SessionFenced
    return session_id


@strawberry.type
class LeaseMutations:
    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="Claim an offered run: it becomes PENDING, and nothing may start before. "
        "Safe to repeat.",
    )
    async def run_claim(
        self,
        info: Info,
        input: Annotated[RunClaimInput, strawberry.argument(description="What to claim.")],
    ) -> RunClaimPayload:
        context = info.context
        session_id = own_session(context.principal, input.session_id)
        lease = input.lease.to_ref("lease")
        duration = context.backend.timers.lease
        principal, workspace_id = context.principal, context.own_workspace_id
        await context.enter(workspace_id)
        (claimed, job), now = await context.backend.dispatcher.changes.claim(
            principal, workspace_id, hold.Claim(session_id, lease, duration, principal.actor)
        )
        return RunClaimPayload(
            run=show_flow_run(claimed.run),
            run_token=api_keys.run_token(
                lease.run_id,
                organization_id=context.principal.organization_id,
                workspace_id=claimed.run.workspace_id,
                generation=await context.generation(),
                epoch=lease.epoch,
                pepper=context.backend.pepper,
            ),
            lease_expires_at=now + duration,
            job=JSON(job),
        )

    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="Give an offered run back, to be offered again.",
    )
    async def run_decline(
        self,
        info: Info,
        input: Annotated[RunDeclineInput, strawberry.argument(description="What to decline.")],
    ) -> DeletePayload:
        context = info.context
        session_id = own_session(context.principal, input.session_id)
        if len(input.reason) > MAX_REASON_LENGTH:
            raise InvalidInput(
                f"reason has at most {MAX_REASON_LENGTH} characters.", path=["reason"]
            )
        async with context.work(context.own_workspace_id) as work:
            await hold.decline_run(
                work,
                session_id=session_id,
                lease=input.lease.to_ref("lease"),
                reason=input.reason,
                retry_after=input.retry_after or timedelta(),
            )
        return DeletePayload(deleted_id=input.lease.run_id)

    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="End a run whose own process can no longer say how it ended. Safe to repeat.",
    )
    async def run_release(
        self,
        info: Info,
        input: Annotated[RunReleaseInput, strawberry.argument(description="What to release.")],
    ) -> RunStatePayload:
        context = info.context
        own_session(context.principal, input.session_id)
        lease, state = input.lease.to_ref("lease"), input.final_state.to_proposal()
        await context.enter(context.own_workspace_id)
        released = await context.backend.dispatcher.changes.propose(
            context.principal,
            context.own_workspace_id,
            run_id=lease.run_id,
            proposal=hold.check_release(lease, state),
        )
        return show_transition(released)

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Renew the lease of a run that executes in its caller's own process; every "
        "15 s.",
    )
    async def run_renew(
        self,
        info: Info,
        input: Annotated[RunRenewInput, strawberry.argument(description="What to renew.")],
    ) -> RunRenewPayload:
        context = info.context
        lease = input.lease.to_own_ref(context.principal)
        workspace_id = await context.workspace_of(get_many_flow_runs, lease.run_id)
        answer = await context.backend.dispatcher.renewals.show(
            Heartbeat(workspace_id, held=(lease,))
        )
        (verdict,) = answer.verdicts
        return RunRenewPayload(verdict=show_verdict(verdict), server_time=answer.now)
