"""Mutations on pauses: a run's process asks, and somebody answers."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.pauses import (
    Answer,
    Approvers,
    NewPause,
    PauseKind,
    PauseWish,
    Refusal,
    WrongFields,
)
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.errors import MutationError, present
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.fields import work_on_run
from headgate_server.graphql.mutations.flow_runs.payloads import FlowRunPayload
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.types.flow_runs import FlowRun, show_flow_run
from headgate_server.graphql.types.leases import LeaseInput
from headgate_server.graphql.types.pauses import Pause, show_pause
from headgate_server.services import pause_requests, pauses
from headgate_server.services.flow_runs.read import get_flow_run, get_many_flow_runs
from headgate_server.services.idempotency_keys import once


@strawberry.input(description="Who may answer; whoever may write runs where nobody is named.")
class ApproversInput:
    roles: list[str] | None = strawberry.field(
        default=None, description="Names of roles, held where the run is or everywhere; 50 at most."
    )
    people: list[str] | None = strawberry.field(
        default=None, description="E-mail addresses of members; 50 at most."
    )
    teams: list[str] | None = strawberry.field(
        default=None, description="Names of teams; 50 at most."
    )
    four_eyes: bool = strawberry.field(
        default=False,
        description="Whoever started the run may not answer, nor may a service account by a key "
        "that they made, nor the code of a run.",
    )

    def to_approvers(self) -> Approvers:
        """Return who may answer."""
        return Approvers(
            roles=tuple(self.roles or ()),
            people=tuple(self.people or ()),
            teams=tuple(self.teams or ()),
            is_four_eyes=self.four_eyes,
        )


@strawberry.input(description="An answer that a run's code cannot take.")
class PauseRefusalInput:
    answered_at: datetime = strawberry.field(
        description="When it was given, as the pause says: an answer given since is not refused."
    )
    message: str = strawberry.field(
        description="What is wrong with it, for whoever answers next; at most 4,000 characters."
    )


@strawberry.input(description="A pause that a run's process asks for.")
class FlowRunPauseInput:
    lease: LeaseInput = strawberry.field(description="The lease of the run.")
    key: str = strawberry.field(
        description="1 to 200 characters: what was answered under a key is not asked again."
    )
    suspend: bool = strawberry.field(
        default=False,
        description="End the process: the run is started again, from its beginning, when it is "
        "resumed. Only for runs of deployments.",
    )
    timeout: timedelta | None = strawberry.field(
        default=None, description="How long to wait, at most 366 days; for ever if not said."
    )
    schema: JSON | None = strawberry.field(
        default=None,
        description="The JSON Schema of the answer, at most 64 KiB; it takes none if not said.",
    )
    initial: JSON | None = strawberry.field(
        default=None, description="An object that a form is filled in with; at most 64 KiB."
    )
    description: str | None = strawberry.field(
        default=None, description="For whoever answers, in Markdown; at most 10,000 characters."
    )
    approvers: ApproversInput | None = strawberry.field(default=None, description="Who may answer.")
    refused: PauseRefusalInput | None = strawberry.field(
        default=None, description="Ask again: what was answered under the key does not fit."
    )
    peek: bool = strawberry.field(
        default=False,
        description="Only say whether the key was answered, or why it cannot be asked.",
    )

    def to_new(self) -> NewPause:
        """Return the pause.

        Raises:
            InvalidInput: something that is not an object.
        """
        return NewPause(
            key=self.key,
            kind=PauseKind.SUSPEND if self.suspend else PauseKind.PAUSE,
            timeout=self.timeout,
            schema=an_object(self.schema, "schema"),
            initial=an_object(self.initial, "initial"),
            description=self.description,
            approvers=self.approvers.to_approvers() if self.approvers else Approvers(),
            refusal=Refusal(self.refused.answered_at, self.refused.message)
            if self.refused
            else None,
        )


@strawberry.type(description="What became of a pause that was asked for.")
class FlowRunPausePayload:
    flow_run: FlowRun | None = payload_field("The run as it is now.")
    pause: Pause | None = payload_field(
        "The pause: waiting, or answered before; null where it was only looked for."
    )
    errors: list[MutationError] = errors_field()


@strawberry.input(description="The answer to a run that is paused or suspended.")
class RunResumeInput:
    id: strawberry.ID = strawberry.field(description="Which run.")
    input: JSON | None = strawberry.field(
        default=None, description="What it asks for; at most 64 KiB, and fitting its schema."
    )
    reject: bool = strawberry.field(
        default=False,
        description="Say no: the run goes on, and fails unless its code knows better.",
    )
    pause_key: str | None = strawberry.field(
        default=None,
        description="The key of the pause that this answers: refused with CONFLICT where the run "
        "waits at another one by now, or at none. Without it, whatever waits is answered.",
    )
    paused_at: datetime | None = strawberry.field(
        default=None,
        description="The createdAt of the pause that this answers: refused with CONFLICT where the "
        "run asks anew by now, be it under the same key, or asks nothing.",
    )
    reason: str | None = strawberry.field(
        default=None, description="Why; at most 4,000 characters, kept in the audit log."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="At most 255 characters; the same key within 24 hours answers once.",
    )

    def to_answer(self) -> Answer:
        """Return the answer."""
        return Answer(input=self.input, reason=self.reason, is_rejected=self.reject)


@strawberry.input(description="A pause that somebody asks of a run.")
class RunPauseRequestInput:
    id: strawberry.ID = strawberry.field(description="Which run.")
    suspend: bool = strawberry.field(
        default=False,
        description="End the process: the run is started again, from its beginning, when it is "
        "resumed, and its finished tasks are not done again. Only for runs of deployments.",
    )
    reason: str | None = strawberry.field(
        default=None, description="Why; at most 4,000 characters, shown and kept in the audit log."
    )

    def to_wish(self) -> PauseWish:
        """Return what is asked."""
        kind = PauseKind.SUSPEND if self.suspend else PauseKind.PAUSE
        return PauseWish(kind=kind, reason=self.reason)


@strawberry.type
class PauseMutations:
    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Pause or suspend a run, for its own process under its lease. Safe to repeat; "
        "suspended, the lease is gone.",
    )
    async def flow_run_pause(
        self,
        info: Info,
        input: Annotated[FlowRunPauseInput, strawberry.argument(description="What is asked.")],
    ) -> FlowRunPausePayload:
        context = info.context
        lease, new = input.lease.to_own_ref(context.principal), input.to_new()
        workspace_id = await context.workspace_of(get_many_flow_runs, lease.run_id)
        async with context.work(workspace_id) as work:
            asked = await pauses.pause_run(work, lease=lease, new=new, is_asked=not input.peek)
        return FlowRunPausePayload(
            flow_run=show_flow_run(asked.run),
            pause=show_pause(asked.pause) if asked.pause else None,
        )

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Ask a run that runs to pause, or to be suspended, before its next task. Its "
        "process hears of it as it hears of a cancel; asked again, nothing changes, and "
        "flowRunResume takes it back.",
    )
    async def flow_run_request_pause(
        self,
        info: Info,
        input: Annotated[RunPauseRequestInput, strawberry.argument(description="What is asked.")],
    ) -> FlowRunPayload:
        run_id = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
        async with work_on_run(info.context, run_id) as work:
            run = await pause_requests.request_pause(work, run_id=run_id, wish=input.to_wish())
        return FlowRunPayload(flow_run=show_flow_run(run))

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Answer a run that is paused or suspended: it goes on. A pause that was asked "
        "of it and not carried out yet is taken back. Fields that do not fit its schema are told "
        "one by one in errors.",
    )
    async def flow_run_resume(
        self,
        info: Info,
        input: Annotated[RunResumeInput, strawberry.argument(description="The answer.")],
    ) -> FlowRunPayload:
        try:
            run, is_duplicate = await _answer(info.context, input)
        except WrongFields as wrong:
            return FlowRunPayload(errors=[present(field) for field in wrong.fields])
        return FlowRunPayload(flow_run=show_flow_run(run), duplicate=is_duplicate)


async def _answer(context: OperationContext, input: RunResumeInput) -> tuple[FlowRunRow, bool]:
    run_id = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
    async with work_on_run(context, run_id) as work:

        async def carry_out() -> dict[str, Any]:
            checked = await pauses.check_answer(
                work,
                run_id=run_id,
                answer=input.to_answer(),
                pause_key=input.pause_key,
                paused_at=input.paused_at,
            )
            await pauses.resume_run(work, run_id=run_id, checked=checked)
            return {}

        _, is_duplicate = await once(
            work,
            operation="flowRunResume",
            key=input.idempotency_key,
            body=strawberry.asdict(input),
            carry_out=carry_out,
        )
        return await get_flow_run(work, run_id), is_duplicate
