"""Mutations on logs: what engines append."""

from math import ceil
from typing import Annotated

import strawberry
from graphql import GraphQLError

from headgate_server.domain import ids
from headgate_server.domain.errors import Conflict
from headgate_server.domain.logs import LogStream, parse_batch, weigh
from headgate_server.domain.permissions import Scope
from headgate_server.domain.quotas import LOG_KINDS, Usage
from headgate_server.graphql.errors import MutationError, present
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.types.leases import parse_uuid
from headgate_server.services import logs
from headgate_server.services.flow_runs.read import get_many_flow_runs


@strawberry.input(description="Lines of a run's log, in columns.")
class LogsAppendInput:
    flow_run_id: strawberry.ID = strawberry.field(description="Whose log.")
    stream_id: strawberry.ID = strawberry.field(
        description="A UUID, one for each reporting process and run."
    )
    offset: int = strawberry.field(description="How many lines of the stream came before; 0 up.")
    batch: JSON = strawberry.field(
        description="An object of equally long arrays, of 1 to 1,000 entries: timestamp "
        "(microseconds since 1970, UTC), level, logger, message (at most 64,000 characters), "
        "taskRunId (or null)."
    )


def too_fast(wait_seconds: float) -> GraphQLError:
    """Return the error of a run, or of a workspace, that writes more than its share."""
    return GraphQLError(
        f"This run or its workspace logs too fast; send the lines again in {wait_seconds:.1f} s.",
        extensions={"code": "RATE_LIMITED", "retryAfterMs": ceil(wait_seconds * 1000)},
    )


@strawberry.type(description="Where the stream stands now.")
class LogsAppendPayload:
    next_offset: int = payload_field("The offset of the next line to send.", default=0)
    dropped_for_quota: int = payload_field(
        "How many of these lines were dropped: the run's log has reached its limit, or a quota of "
        "the organization is used up. One in a hundred lines more than a run's log holds is kept "
        "for WARNING and above.",
        default=0,
    )
    errors: list[MutationError] = errors_field()


@strawberry.type
class LogMutations:
    @mutation(
        requires=[Scope.LOGS_WRITE],
        description="Append lines to a run's log. Lines below nextOffset are dropped, so a retry "
        "doubles nothing; a hole is refused with CONFLICT and the offset to go on from. Who writes "
        "more than a share is held back, then answered RATE_LIMITED with retryAfterMs.",
    )
    async def logs_append(
        self,
        info: Info,
        input: Annotated[LogsAppendInput, strawberry.argument(description="What to append.")],
    ) -> LogsAppendPayload:
        context = info.context
        flow_run_id = ids.parse(input.flow_run_id, kind=ids.Kind.FLOW_RUN)
        stream_id = parse_uuid(input.stream_id, path=["streamId"])
        workspace_id = await context.workspace_of(get_many_flow_runs, flow_run_id)
        batch = parse_batch(input.batch)
        organization_id = context.principal.organization_id
        shares = context.backend.log_shares
        place = {"workspace_id": workspace_id, "flow_run_id": flow_run_id}
        may_write, seconds = shares.reserve(**place, lines=weigh(batch))
        if not may_write:
            raise too_fast(seconds)
        async with (
            shares.turn(**place, wait_seconds=seconds),
            context.work(workspace_id) as work,
        ):
            done = await logs.append_lines(
                work,
                stream=LogStream(flow_run_id, stream_id),
                offset=input.offset,
                batch=batch,
                grant=context.principal.run,
                lines_per_run=shares.limits.lines_per_run,
                has_room=context.meter.usage.over(organization_id, LOG_KINDS) is None,
            )
        context.meter.usage.note(organization_id, Usage(log_bytes=done.size_bytes))
        errors: list[MutationError] = []
        if done.is_hole:
            hole = f"The stream goes on at offset {done.next_offset}; send the lines from there."
            errors = [present(Conflict(hole, path=["offset"]))]
        return LogsAppendPayload(
            next_offset=done.next_offset, dropped_for_quota=done.dropped, errors=errors
        )
