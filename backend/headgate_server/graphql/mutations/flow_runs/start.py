"""The mutation by which a run starts another."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.shapes.started_runs import StartedRun, show_started
from headgate_server.services.flow_runs import read
from headgate_server.services.flow_runs.create import RunRequest
from headgate_server.services.flow_runs.start import Target, start_run
from headgate_server.services.idempotency_keys import once


@strawberry.input(description="A run of a deployment, which the caller's run starts.")
class FlowRunStartInput:
    deployment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of which deployment; either this or its name."
    )
    deployment_name: str | None = strawberry.field(
        default=None,
        description="flow/deployment, or the deployment's own name where that is enough.",
    )
    name: str | None = strawberry.field(
        default=None, description="1 to 200 characters; made up if not said."
    )
    parameters: JSON | None = strawberry.field(
        default=None,
        description="An object that is laid over the deployment's parameters; at most 512 KiB. "
        "It names no blocks.",
    )
    tags: list[str] | None = strawberry.field(
        default=None,
        description="Beside the deployment's own: at most 50 tags of 1 to 100 characters.",
    )
    priority: int | None = strawberry.field(
        default=None, description="-1,000 to 1,000, high first; 0 if not said."
    )
    work_queue_name: str | None = strawberry.field(
        default=None, description="A queue of the deployment's pool; its own queue if not said."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="At most 255 characters; the same key of the same run within 24 hours starts "
        "no second run.",
    )
    parent_task_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The task run of the caller's that stands for it."
    )
    expected_start: datetime | None = strawberry.field(
        default=None, description="When it is due, within ten years; now if not said."
    )

    def to_target(self) -> Target:
        """Return the deployment that is meant.

        Raises:
            InvalidInput: neither of id and name, or both.
        """
        if (self.deployment_id is None) is (self.deployment_name is None):
            raise InvalidInput(
                "Say either deploymentId or deploymentName.", path=["deploymentName"]
            )
        if self.deployment_id is None:
            return Target(name=self.deployment_name)
        return Target(id=ids.parse(self.deployment_id, kind=ids.Kind.DEPLOYMENT))

    def to_request(self, *, by: UUID) -> RunRequest:
        """Return the request, but for the deployment.

        Raises:
            InvalidInput: an id, or something that is not an object.
        """
        parent = self.parent_task_run_id
        return RunRequest(
            deployment_id=by,
            name=self.name,
            parameters=an_object(self.parameters, "parameters"),
            tags=tuple(self.tags or ()),
            priority=self.priority or 0,
            work_queue_name=self.work_queue_name,
            idempotency_key=self.idempotency_key,
            parent_task_run_id=ids.parse(parent, kind=ids.Kind.TASK_RUN) if parent else None,
            expected_start=self.expected_start,
            triggered_by={"run": ids.show(ids.Kind.FLOW_RUN, by)},
        )


@strawberry.type(description="A run that was started.")
class FlowRunStartPayload:
    run: StartedRun | None = payload_field("The run.")
    duplicate: bool | None = payload_field("Whether the same request had been carried out before.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class FlowRunStartMutations:
    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Start a run of a deployment, as a run with its own token, while its lease is "
        "live: what its deployment names or, without one, what who began it may start. Others "
        "use flowRunCreate.",
    )
    async def flow_run_start(
        self,
        info: Info,
        input: Annotated[FlowRunStartInput, strawberry.argument(description="What to run.")],
    ) -> FlowRunStartPayload:
        context = info.context
        grant = context.principal.run
        if grant is None:
            raise Forbidden("Runs start others with their own token; create one instead.")
        target, request = input.to_target(), input.to_request(by=grant.run_id)
        async with context.work(context.own_workspace_id) as work:

            async def carry_out() -> dict[str, Any]:
                context.check_storage()
                run = await start_run(work, target, request, grant=grant)
                return {"id": str(run.id)}

            answer, is_duplicate = await once(
                work,
                operation="flowRunStart",
                key=input.idempotency_key,
                body=strawberry.asdict(input),
                carry_out=carry_out,
            )
            run_id = UUID(answer["id"])
            row = (await read.get_many_flow_runs(work, [run_id])).get(run_id)
        return FlowRunStartPayload(run=show_started(row) if row else None, duplicate=is_duplicate)
