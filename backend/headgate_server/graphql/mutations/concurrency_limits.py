"""Mutations on concurrency limits, and on the slots that are taken of them."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.dispatch.slots import Asked
from headgate_server.domain import ids
from headgate_server.domain.concurrency_limits import (
    MAX_WAIT,
    Acquisition,
    SlotRequest,
    lease_id_of,
)
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import RunGrant
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info, while_admitted
from headgate_server.graphql.scalars import Key
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.graphql.shapes.payloads import DeletePayload
from headgate_server.graphql.types.background_tasks import BackgroundTaskLeaseInput
from headgate_server.graphql.types.concurrency_limits import ConcurrencyLimit, show_limit
from headgate_server.services import concurrency_limits
from headgate_server.services.concurrency_limits import LimitChanges

_KEPT = "Kept if not said"


@strawberry.input(description="A concurrency limit, by its name.")
class ConcurrencyLimitUpsertInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    name: Key = strawberry.field(description="Names the limit; made if it is new.")
    limit: int = strawberry.field(
        description="How many slots there are, 0 to 1,000,000; with 0 nobody gets one."
    )
    slot_decay_per_second: float | None = strawberry.field(
        default=None,
        description="For a rate limit: how many taken slots come back each second. 0 where whoever "
        f"takes a slot gives it back. {_KEPT}; 0 in a new one.",
    )
    task_tag: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Each run of a task with this tag takes a slot; one limit a tag. "
        f"{_KEPT}; null takes it off.",
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the limit has another version by now; 0: if there is one.",
    )


@strawberry.type(description="A concurrency limit that was made or changed.")
class ConcurrencyLimitPayload:
    concurrency_limit: ConcurrencyLimit | None = payload_field("The limit.")
    created: bool | None = payload_field("Whether it was made now.")
    errors: list[MutationError] = errors_field()


@strawberry.input(description="Slots that somebody asks for: of every limit named, or of none.")
class ConcurrencyAcquireInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    names: list[Key] = strawberry.field(
        description="Of limits; with the tags, 1 to 50. One without a limit is left out."
    )
    task_tags: list[str] | None = strawberry.field(
        default=None, description="Those that a limit is on count as its name would."
    )
    slots: int = strawberry.field(default=1, description="How many of each: 1 to 1,000,000.")
    holder_run_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The run that holds them as long as its lease lives. With a run's own token it "
        "is that run; without one, whoever asks holds them for the ttl.",
    )
    holder_task: BackgroundTaskLeaseInput | None = strawberry.field(
        default=None,
        description="The background task that holds them, as its worker was offered it: whoever "
        "looks who holds or waits sees it. They go as it ends, is given back or loses its worker; "
        "else as the ttl says.",
    )
    ttl: timedelta = strawberry.field(
        description="How long they are kept without a renewal where no run holds them: 1 second "
        "to 1 day."
    )
    idempotency_key: str = strawberry.field(
        description="At most 255 characters; asked again with it, the same slots are answered, "
        "and the place in the line is kept."
    )
    lease_id: strawberry.ID | None = strawberry.field(
        default=None, description="Renew what is held under this, and take nothing new."
    )
    wait: timedelta | None = strawberry.field(
        default=None,
        description="How long to wait here for a turn, by priority and age: up to 25 seconds, and "
        "no longer than the credential is good. If not said, there is no waiting for a turn, and "
        "no place in the line is kept; where so many ask at once that nobody has looked within 5 "
        "seconds, the answer is UNAVAILABLE, or that there is no room if taskTags are said.",
    )
    strict: bool = strawberry.field(
        default=False, description="Whether a name without a limit is an error."
    )
    rate: bool = strawberry.field(
        default=False, description="Whether every limit must give its slots back by itself."
    )
    priority: int = strawberry.field(
        default=0, description="Who is served first: -1,000 to 1,000, high first."
    )

    def to_request(self, *, lease_id: UUID) -> SlotRequest:
        """Return what is asked for."""
        return SlotRequest(
            lease_id=lease_id,
            names=tuple(self.names),
            task_tags=tuple(self.task_tags or ()),
            slots=self.slots,
            ttl=self.ttl,
            is_strict=self.strict,
            is_rate=self.rate,
            priority=self.priority,
        )


@strawberry.type(description="What became of asking for slots.")
class ConcurrencyAcquirePayload:
    acquired: bool = payload_field(
        "Whether the caller may go on: the slots are taken, or none were needed.", default=False
    )
    lease_id: strawberry.ID | None = payload_field(
        "What the slots are held under; null if none are."
    )
    expires_at: datetime | None = payload_field(
        "Until when without a renewal; null where a run holds them."
    )
    retry_after: timedelta | None = payload_field("When to ask again; null where they are taken.")
    ahead: int | None = payload_field(
        "How many slots those want who are served before; null where so many ask at once that "
        "nobody has looked."
    )
    missing: list[Key] | None = payload_field(
        "Names that no limit has; null where nobody has looked."
    )
    limited_tags: list[str] | None = payload_field(
        "All tags that limits are on, up to 1,000, where tags were asked for; null where nobody "
        "has looked."
    )
    errors: list[MutationError] = errors_field()


@strawberry.input(description="Slots that are given back.")
class ConcurrencyReleaseInput:
    lease_id: strawberry.ID = strawberry.field(description="What they are held under.")
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; that of the credential if not said."
    )


@strawberry.type
class ConcurrencyLimitMutations:
    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Make or change the concurrency limit of a name. Raised, it serves who waits "
        "at once; lowered, it takes nothing from who holds.",
    )
    async def concurrency_limit_upsert(
        self,
        info: Info,
        input: Annotated[ConcurrencyLimitUpsertInput, strawberry.argument(description="Which.")],
    ) -> ConcurrencyLimitPayload:
        changes = LimitChanges(
            limit=input.limit,
            slot_decay_per_second=given(input.slot_decay_per_second),
            task_tag=given(input.task_tag, is_nullable=True),
        )
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row, is_new = await concurrency_limits.upsert_limit(
                work, name=input.name, changes=changes, expected_version=input.expected_version
            )
        return ConcurrencyLimitPayload(concurrency_limit=show_limit(row), created=is_new)

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Take slots of concurrency limits, all or none. Safe to repeat: the same key "
        "takes no more. What a run holds goes when it ends or its lease is lost.",
    )
    async def concurrency_acquire(
        self,
        info: Info,
        input: Annotated[ConcurrencyAcquireInput, strawberry.argument(description="Which.")],
    ) -> ConcurrencyAcquirePayload:
        context, workspace_id = info.context, workspace_id_of(input.workspace_id)
        if input.lease_id is not None:
            return await _renew(context, workspace_id, input.lease_id, ttl=input.ttl)
        wait = input.wait or timedelta()
        if wait > MAX_WAIT:
            raise InvalidInput("wait is up to 25 seconds.", path=["wait"])
        owner = context.principal.actor.id
        request = input.to_request(lease_id=lease_id_of(input.idempotency_key, owner=owner))
        holder_id = _holder_of(context, input.holder_run_id)
        grant = context.principal.run
        task = None if input.holder_task is None else input.holder_task.to_lease()
        if task is not None and holder_id is not None:
            raise InvalidInput("A run holds slots, or a background task.", path=["holderTask"])

        async def attempt(patience: timedelta | None) -> Acquisition:
            async with context.work(workspace_id) as work:
                holder: RunGrant | None = grant
                if holder_id is not None and grant is None:
                    holder = await concurrency_limits.find_holder(work, run_id=holder_id)
                return await concurrency_limits.acquire_slots(
                    work, request, holder=holder, task=task, patience=patience
                )

        asked = Asked(
            organization_id=context.principal.organization_id,
            workspace_id=workspace_id,
            lease_id=request.lease_id,
            names=frozenset(request.names),
            task_tags=frozenset(request.task_tags),
        )
        acquiring = context.backend.dispatcher.slots.acquire(attempt, asked=asked, wait=wait)
        return _show(await (while_admitted(context, acquiring) if wait else acquiring))

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Give slots back, or the place in the line: who waits gets them at once. What "
        "was taken of a rate runs off by itself. Done again, nothing is found any more.",
    )
    async def concurrency_release(
        self,
        info: Info,
        input: Annotated[ConcurrencyReleaseInput, strawberry.argument(description="Which.")],
    ) -> DeletePayload:
        context = info.context
        lease_id = ids.parse(input.lease_id, kind=ids.Kind.CONCURRENCY_LEASE)
        workspace_id = (
            workspace_id_of(input.workspace_id) if input.workspace_id else context.own_workspace_id
        )
        grant = context.principal.run
        async with context.work(workspace_id) as work:
            await concurrency_limits.release_slots(
                work,
                lease_id=lease_id,
                run_id=grant.run_id if grant else None,
                is_by_person=context.principal.login_session_id is not None,
            )
        return DeletePayload(deleted_id=input.lease_id)


def _holder_of(context: OperationContext, shown: str | None) -> UUID | None:
    """Return the run that is to hold the slots.

    Raises:
        Forbidden: a run's token that names another run.
    """
    grant = context.principal.run
    if shown is None:
        return grant.run_id if grant else None
    run_id = ids.parse(shown, kind=ids.Kind.FLOW_RUN)
    if grant is not None and grant.run_id != run_id:
        raise Forbidden("A run's token takes slots for that run only.")
    return run_id


async def _renew(
    context: OperationContext, workspace_id: UUID, shown: str, *, ttl: timedelta
) -> ConcurrencyAcquirePayload:
    lease_id = ids.parse(shown, kind=ids.Kind.CONCURRENCY_LEASE)
    grant = context.principal.run
    async with context.work(workspace_id) as work:
        until = await concurrency_limits.renew_slots(
            work, lease_id=lease_id, ttl=ttl, run_id=grant.run_id if grant else None
        )
    return ConcurrencyAcquirePayload(
        acquired=True, lease_id=strawberry.ID(shown), expires_at=until, ahead=0
    )


def _show(found: Acquisition) -> ConcurrencyAcquirePayload:
    return ConcurrencyAcquirePayload(
        acquired=found.is_acquired,
        lease_id=show_id(ids.Kind.CONCURRENCY_LEASE, found.lease_id) if found.lease_id else None,
        expires_at=found.expires_at,
        retry_after=None if found.is_acquired else found.retry_after,
        ahead=found.ahead,
        missing=None if found.missing is None else [Key(name) for name in found.missing],
        limited_tags=None if found.limited_tags is None else list(found.limited_tags),
    )
