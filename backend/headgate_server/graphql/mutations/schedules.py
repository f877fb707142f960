"""Mutations on schedules."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.blocks import demand_use
from headgate_server.graphql.shapes.payloads import DeleteInput, DeletePayload
from headgate_server.graphql.types.schedules import (
    CatchUpInput,
    Schedule,
    ScheduleSpecInput,
    schedule_request,
    show_schedule,
)
from headgate_server.services import deployments
from headgate_server.services.schedules import read, upsert


@strawberry.input(description="A schedule, by its slug.")
class ScheduleUpsertInput:
    deployment_id: strawberry.ID = strawberry.field(description="Of which deployment.")
    slug: str = strawberry.field(description="1 to 50 lower-case letters, digits and hyphens.")
    spec: ScheduleSpecInput = strawberry.field(description="When it fires.")
    active: bool = strawberry.field(default=True, description="Whether it fires.")
    parameters: JSON | None = strawberry.field(
        default=None, description="An object that is laid over the deployment's parameters."
    )
    catch_up: CatchUpInput | None = strawberry.field(
        default=None, description="What follows an outage; nothing if not said."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the schedule has another version by now; 0: if there is one.",
    )


@strawberry.type(description="A schedule that was made or changed.")
class SchedulePayload:
    schedule: Schedule | None = payload_field("The schedule.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class ScheduleMutations:
    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Make or change the schedule of a slug.",
        is_storing=True,
    )
    async def schedule_upsert(
        self,
        info: Info,
        input: Annotated[ScheduleUpsertInput, strawberry.argument(description="Which.")],
    ) -> SchedulePayload:
        context = info.context
        deployment_id = ids.parse(input.deployment_id, kind=ids.Kind.DEPLOYMENT)
        wanted = schedule_request(
            slug=input.slug,
            spec=input.spec,
            is_active=input.active,
            parameters=input.parameters,
            catch_up=input.catch_up,
        )
        workspace_id = await context.workspace_of(deployments.get_many_deployments, deployment_id)
        demand_use(context, workspace_id, input.parameters)
        async with context.work(workspace_id, on=deployment_id) as work:
            row, _ = await upsert.upsert_schedule(
                work,
                deployment_id=deployment_id,
                wanted=wanted,
                expected_version=input.expected_version,
            )
        return SchedulePayload(schedule=show_schedule(row))

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Delete a schedule, with its runs that nobody has taken up.",
    )
    async def schedule_delete(
        self, info: Info, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.SCHEDULE)
        workspace_id = await context.workspace_of(read.get_many_schedules, id_)
        async with context.work(workspace_id) as work:
            await upsert.delete_schedule(work, id_=id_, expected_version=input.expected_version)
        return DeletePayload(deleted_id=input.id)
