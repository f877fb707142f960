"""Mutations on backfills: create or only plan, pause, resume, cancel, retry."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.backfills import (
    BackfillItemStatus,
    BackfillRequest,
    InstantRange,
    PlannedItem,
)
from headgate_server.domain.errors import NotFound
from headgate_server.domain.permissions import Scope
from headgate_server.domain.schedules.times import settle_spec
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.blocks import demand_use
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.shapes.payloads import PauseInput
from headgate_server.graphql.types.backfills import Backfill, BackfillItem, show_backfill
from headgate_server.graphql.types.schedules import ScheduleSpecInput
from headgate_server.services import backfills, deployments
from headgate_server.services.idempotency_keys import once

SHOWN_ITEMS = 100


@strawberry.input(description="The instants of a specification, from one to another.")
class BackfillRangeInput:
    spec: ScheduleSpecInput = strawberry.field(description="Which instants.")
    since: datetime = strawberry.field(description="The first that counts.")
    until: datetime = strawberry.field(description="The last that counts.")


@strawberry.input(description="Runs of a deployment: of a range, or one for each parameter set.")
class BackfillCreateInput:
    deployment_id: strawberry.ID = strawberry.field(description="Whose runs.")
    name: str | None = strawberry.field(
        default=None, description="1 to 200 characters; made up if not said."
    )
    range: BackfillRangeInput | None = strawberry.field(
        default=None, description="One run for each instant, 1,000 at most."
    )
    parameter_sets: list[JSON] | None = strawberry.field(
        default=None, description="Objects: one run for each, 1,000 at most and 512 KiB in all."
    )
    instant_parameter: str | None = strawberry.field(
        default=None, description="The parameter that gets each instant, as ISO 8601 text."
    )
    parameters: JSON | None = strawberry.field(
        default=None, description="An object: laid over the deployment's in every run."
    )
    parallelism: int = strawberry.field(
        default=1, description="How many of its runs may be there at once: 1 to 100."
    )
    priority: int = strawberry.field(
        default=0, description="Of its runs: -1,000 to 1,000, high first."
    )
    descending: bool = strawberry.field(
        default=False, description="Whether the last instant or set comes first."
    )
    dry_run: bool = strawberry.field(
        default=False, description="Whether to plan only: nothing is stored, nothing runs."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="The same key within 24 hours returns the same backfill. 1 to 255 characters.",
    )

    def to_request(self, deployment_id: UUID) -> BackfillRequest:
        """Return the request.

        Raises:
            InvalidInput: JSON of another shape, or no specification.
        """
        asked, sets = self.range, self.parameter_sets
        spec = None
        if asked is not None:
            spec = settle_spec(asked.spec.to_spec(), current=None, now=asked.since)
        return BackfillRequest(
            deployment_id=deployment_id,
            name=self.name,
            instants=InstantRange(spec, asked.since, asked.until) if asked and spec else None,
            parameter_sets=None
            if sets is None
            else [an_object(one, "parameterSets") or {} for one in sets],
            instant_parameter=self.instant_parameter,
            parameters=an_object(self.parameters, "parameters") or {},
            parallelism=self.parallelism,
            priority=self.priority,
            is_descending=self.descending,
        )


@strawberry.input(description="A backfill to be ended.")
class BackfillCancelInput:
    id: strawberry.ID = strawberry.field(description="Which.")
    cancel_runs: bool = strawberry.field(
        default=False,
        description="Whether the runs that it has made are cancelled, too: the first 100 at once, "
        "the others within seconds.",
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if it has another version by now."
    )


@strawberry.input(description="A backfill whose failed items are to run again.")
class BackfillRetryInput:
    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if it has another version by now."
    )


@strawberry.type(description="A backfill that was made, changed or planned.")
class BackfillPayload:
    backfill: Backfill | None = payload_field("The backfill; null for a dry run.")
    items: list[BackfillItem] = payload_field(
        "What it would run, of a dry run only: the first 100.", default=[]
    )
    item_count: int | None = payload_field("How many runs it is.")
    errors: list[MutationError] = errors_field()


@asynccontextmanager
async def _work_on(context: OperationContext, id_: UUID) -> AsyncGenerator[UnitOfWork]:
    """Open the unit of work of a backfill; what is granted on its deployment alone counts too."""
    workspace_id, on = await context.place_of(backfills.get_many_backfills, id_)
    async with context.work(workspace_id, on=on) as work:
        yield work


@strawberry.type
class BackfillMutations:
    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Make runs of a deployment for the instants of a range or for sets of "
        "parameters, a few at a time; or only say which they would be. At most 1,000 backfills of "
        "a workspace go on or are paused at once.",
        is_storing=True,
    )
    async def backfill_create(
        self,
        info: Info,
        input: Annotated[BackfillCreateInput, strawberry.argument(description="What to run.")],
    ) -> BackfillPayload:
        context = info.context
        id_ = ids.parse(input.deployment_id, kind=ids.Kind.DEPLOYMENT)
        request = input.to_request(id_)
        workspace_id = await context.workspace_of(deployments.get_many_deployments, id_)
        demand_use(context, workspace_id, request.parameters, request.parameter_sets)
        async with context.work(workspace_id, on=id_) as work:
            if input.dry_run:
                planned = await backfills.plan_backfill(work, request)
                shown = [_show_planned(item) for item in planned[:SHOWN_ITEMS]]
                return BackfillPayload(items=shown, item_count=len(planned))

            async def carry_out() -> dict[str, Any]:
                made = await backfills.create_backfill(work, request)
                return {"id": str(made.id)}

            answer, _ = await once(
                work,
                operation="backfillCreate",
                key=input.idempotency_key,
                body=strawberry.asdict(input),
                carry_out=carry_out,
            )
            made_id = UUID(answer["id"])
            row = (await backfills.get_many_backfills(work, [made_id])).get(made_id)
        if row is None:
            raise NotFound("The backfill that this key made is gone.")
        return _payload(show_backfill(row))

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Pause or resume a backfill; runs that it has made go on.",
    )
    async def backfill_pause(
        self, info: Info, input: Annotated[PauseInput, strawberry.argument(description="Which.")]
    ) -> BackfillPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.BACKFILL)
        async with _work_on(info.context, id_) as work:
            row = await backfills.set_paused(work, id_=id_, is_paused=input.paused)
        return _payload(show_backfill(row))

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="End a backfill: what waits of it never runs.",
    )
    async def backfill_cancel(
        self,
        info: Info,
        input: Annotated[BackfillCancelInput, strawberry.argument(description="Which.")],
    ) -> BackfillPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.BACKFILL)
        async with _work_on(info.context, id_) as work:
            row = await backfills.cancel_backfill(
                work,
                id_=id_,
                cancels_runs=input.cancel_runs,
                expected_version=input.expected_version,
            )
        return _payload(show_backfill(row))

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Run the items of a backfill again that have no completed run: refused, "
        "failed, crashed and cancelled ones. One that had ended goes on.",
    )
    async def backfill_retry(
        self,
        info: Info,
        input: Annotated[BackfillRetryInput, strawberry.argument(description="Which.")],
    ) -> BackfillPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.BACKFILL)
        async with _work_on(info.context, id_) as work:
            row = await backfills.retry_backfill(
                work, id_=id_, expected_version=input.expected_version
            )
        return _payload(show_backfill(row))


def _payload(shown: Backfill) -> BackfillPayload:
    return BackfillPayload(backfill=shown, item_count=shown.item_count)


def _show_planned(item: PlannedItem) -> BackfillItem:
    return BackfillItem(
        position=item.position,
        instant=item.instant,
        parameters=JSON(item.parameters),
        status=BackfillItemStatus.WAITING,
        error=None,
        outcome=None,
        row=None,
    )
