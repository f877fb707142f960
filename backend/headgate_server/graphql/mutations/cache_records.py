"""Mutations on the records of cached results."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.graphql.types.cache_records import CacheRecord, show_record
from headgate_server.graphql.types.leases import LeaseInput, parse_uuid
from headgate_server.services import cache_records
from headgate_server.services.flow_runs.read import get_many_flow_runs

_KEY = "Of the result: 1 to 500 characters."
_LEASE = "The lease of the run, or of its root."


@strawberry.input(description="A result that a run wants.")
class CacheRecordClaimInput:
    lease: LeaseInput = strawberry.field(description=_LEASE)
    key: str = strawberry.field(description=_KEY)
    lock_token: strawberry.ID = strawberry.field(
        description="A UUID made by the client: who shows it again keeps the lock."
    )
    lock_for: timedelta = strawberry.field(
        default=timedelta(minutes=5),
        description=(
            "After how long others may compute it: 1 second to 7 days. With the lease of its run "
            "a lock ends in any case."
        ),
    )
    refresh: bool = strawberry.field(
        default=False, description="Whether a result that is there counts not."
    )


@strawberry.input(description="A result that a run has computed.")
class CacheRecordWriteInput:
    lease: LeaseInput = strawberry.field(description=_LEASE)
    key: str = strawberry.field(description=_KEY)
    result: JSON = strawberry.field(
        description="A reference to the result, or a small one itself: any JSON but null, at most "
        "64 KiB."
    )
    lock_token: strawberry.ID | None = strawberry.field(
        default=None, description="As it was claimed with; without one, nobody may hold the lock."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="From when on it counts no more; never if not said."
    )
    task_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The task run that computed it; kept as it is."
    )


@strawberry.input(description="A lock that is not needed any more.")
class CacheRecordReleaseInput:
    lease: LeaseInput = strawberry.field(description=_LEASE)
    key: str = strawberry.field(description=_KEY)
    lock_token: strawberry.ID = strawberry.field(description="As it was claimed with.")


@strawberry.input(description="A result that is to be forgotten.")
class CacheRecordDeleteInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    key: str = strawberry.field(description=_KEY)


@strawberry.type(description="The result, the lock to compute it, or who holds that.")
class CacheRecordClaimPayload:
    record: CacheRecord | None = payload_field("The result; null where it is to be computed.")
    locked: bool = payload_field("Whether the caller has the lock now.", default=False)
    locked_until: datetime | None = payload_field(
        "Until when the caller, or else the holder, has the lock."
    )
    holder_run_id: strawberry.ID | None = payload_field(
        "The run that computes it just now: ask again, at the latest when lockedUntil is over."
    )
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A record that was written.")
class CacheRecordPayload:
    record: CacheRecord | None = payload_field("The record.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="What became of a lock.")
class CacheRecordReleasePayload:
    key: str | None = payload_field("Of the result.")
    released: bool = payload_field("Whether the lock was held by this token.", default=False)
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A result that is forgotten.")
class CacheRecordDeletePayload:
    key: str | None = payload_field("Its key.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class CacheRecordMutations:
    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Ask for a cached result: it, the lock to compute it, or who holds that. A "
        "lock ends with its time, or with the lease of the run that holds it. Safe to repeat.",
    )
    async def cache_record_claim(
        self,
        info: Info,
        input: Annotated[CacheRecordClaimInput, strawberry.argument(description="What is wanted.")],
    ) -> CacheRecordClaimPayload:
        context = info.context
        lease = input.lease.to_own_ref(context.principal)
        token = parse_uuid(input.lock_token, path=["lockToken"])
        workspace_id = await context.workspace_of(get_many_flow_runs, lease.run_id)
        async with context.work(workspace_id) as work:
            claim = await cache_records.claim_record(
                work,
                key=input.key,
                lease=lease,
                token=token,
                lock_for=input.lock_for,
                is_refresh=input.refresh,
            )
        holder = claim.holder_run_id
        return CacheRecordClaimPayload(
            record=show_record(claim.record) if claim.record else None,
            locked=claim.is_locked,
            locked_until=claim.locked_until,
            holder_run_id=show_id(ids.Kind.FLOW_RUN, holder) if holder else None,
        )

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Store a result for every run that wants it, and let go of its lock. Refused "
        "where another run has the lock by now, or where the lock of the token that is shown ended "
        "meanwhile: another run has written, or the result was forgotten. Safe to repeat.",
    )
    async def cache_record_write(
        self,
        info: Info,
        input: Annotated[CacheRecordWriteInput, strawberry.argument(description="The result.")],
    ) -> CacheRecordPayload:
        context = info.context
        lease = input.lease.to_own_ref(context.principal)
        shown, task_run_id = input.lock_token, input.task_run_id
        token = None if shown is None else parse_uuid(shown, path=["lockToken"])
        workspace_id = await context.workspace_of(get_many_flow_runs, lease.run_id)
        async with context.work(workspace_id) as work:
            row = await cache_records.write_record(
                work,
                key=input.key,
                lease=lease,
                token=token,
                result=input.result,
                expires_at=input.expires_at,
                task_run_id=ids.parse(task_run_id, kind=ids.Kind.TASK_RUN) if task_run_id else None,
            )
        return CacheRecordPayload(record=show_record(row))

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Let go of the lock on a result without one, so that others compute it.",
    )
    async def cache_record_release(
        self,
        info: Info,
        input: Annotated[CacheRecordReleaseInput, strawberry.argument(description="Which lock.")],
    ) -> CacheRecordReleasePayload:
        context = info.context
        lease = input.lease.to_own_ref(context.principal)
        token = parse_uuid(input.lock_token, path=["lockToken"])
        workspace_id = await context.workspace_of(get_many_flow_runs, lease.run_id)
        async with context.work(workspace_id) as work:
            released = await cache_records.release_record(
                work, key=input.key, lease=lease, token=token
            )
        return CacheRecordReleasePayload(key=input.key, released=released)

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Forget a cached result, so that the next run that wants it computes it.",
    )
    async def cache_record_delete(
        self,
        info: Info,
        input: Annotated[CacheRecordDeleteInput, strawberry.argument(description="Which.")],
    ) -> CacheRecordDeletePayload:
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            await cache_records.delete_record(work, key=input.key)
        return CacheRecordDeletePayload(key=input.key)
