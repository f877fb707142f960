"""Mutations on deployments."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import Outcome
from headgate_server.domain.deployments import AgentLostPolicy, CollisionPolicy
from headgate_server.domain.deployments import Deployment as DeploymentRow
from headgate_server.domain.errors import HeadgateError, InvalidInput
from headgate_server.domain.permissions import Scope
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.blocks import allowance_of, demand_use
from headgate_server.graphql.shapes.json_values import a_list, an_object
from headgate_server.graphql.shapes.payloads import PauseInput
from headgate_server.graphql.shapes.single_objects import existing, visible
from headgate_server.graphql.types.deployments import Deployment, show_deployment
from headgate_server.graphql.types.schedules import (
    CatchUpInput,
    ScheduleSpecInput,
    schedule_request,
)
from headgate_server.services import deployments
from headgate_server.services.deployments import DeploymentChanges

_KEPT = "Kept if not said"
MAX_BATCH = 100


@strawberry.input(description="A schedule of a deployment, by its slug: its id is kept.")
class DeploymentScheduleInput:
    slug: str = strawberry.field(description="1 to 50 lower-case letters, digits and hyphens.")
    spec: ScheduleSpecInput = strawberry.field(description="When it fires.")
    active: bool = strawberry.field(default=True, description="Whether it fires.")
    parameters: JSON | None = strawberry.field(
        default=None, description="An object that is laid over the deployment's parameters."
    )
    catch_up: CatchUpInput | None = strawberry.field(
        default=None, description="What follows an outage; nothing if not said."
    )

    def to_request(self) -> ScheduleRequest:
        """Return the schedule that was asked for."""
        return schedule_request(
            slug=self.slug,
            spec=self.spec,
            is_active=self.active,
            parameters=self.parameters,
            catch_up=self.catch_up,
        )


@strawberry.input(description="A deployment, by the names of its flow and its own.")
class DeploymentUpsertInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    flow_name: str = strawberry.field(description="1 to 200 characters; made if it is new.")
    name: str = strawberry.field(description="1 to 200 characters; names it within its flow.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the deployment has another version by now."
    )
    entrypoint: str | None = strawberry.field(
        default=None, description=f"path/file.py:function. {_KEPT}."
    )
    parameters: JSON | None = strawberry.field(
        default=None, description=f"An object: its runs' parameters by default. {_KEPT}."
    )
    parameter_schema: JSON | None = strawberry.field(
        default=None, description=f"An object: JSON Schema of the parameters. {_KEPT}."
    )
    enforce_parameter_schema: bool | None = strawberry.field(
        default=None,
        description="Whether to refuse runs whose parameters do not fit; regular expressions are "
        f"left to the run itself. {_KEPT}.",
    )
    work_pool_name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Where its runs wait. {_KEPT}; null takes it out of its pool.",
    )
    work_queue_name: str | None = strawberry.field(
        default=None, description=f"A queue of that pool; default in a new pool. {_KEPT}."
    )
    job_variables: JSON | None = strawberry.field(
        default=None,
        description="Job variables, over the defaults of the pool's template, by which they are "
        f"refused as far as it declares them. {_KEPT}.",
    )
    schedules: list[DeploymentScheduleInput] | None = strawberry.field(
        default=None, description=f"All its schedules, at most 50: others go. {_KEPT}."
    )
    description: str | None = strawberry.field(
        default=None, description=f"Markdown; at most 10,000 characters. {_KEPT}."
    )
    pull_steps: JSON | None = strawberry.field(
        default=None, description=f"An array: how an agent gets the code. {_KEPT}."
    )
    blocks: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The blocks that its runs may use: at most 200 of type-slug/name, or "
        f"type-slug/* for all of a type; null is every block. {_KEPT}; in a new one every block, "
        "or none where the caller may not use all of them.",
    )
    starts: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The deployments that its runs may start: at most 200 of flow/deployment, or "
        f"flow/* for all of a flow; null is every deployment of the workspace. {_KEPT}; in a new "
        "one every deployment, or none where the caller may not start runs.",
    )
    abandon_after: timedelta | None = strawberry.field(
        default=None, description=f"1 minute to 24 hours. {_KEPT}; 10 minutes in a new one."
    )
    fence: timedelta | None = strawberry.field(
        default=None, description=f"Three leases to 24 hours. {_KEPT}; 10 minutes in a new one."
    )
    infrastructure_retries: int | None = strawberry.field(
        default=None, description=f"0 to 20. {_KEPT}; 3 in a new one."
    )
    late_threshold: timedelta | None = strawberry.field(
        default=None, description=f"1 second to 24 hours. {_KEPT}; 15 seconds in a new one."
    )
    on_agent_lost: AgentLostPolicy | None = strawberry.field(
        default=None, description=f"What follows a silent agent. {_KEPT}; CRASH in a new one."
    )
    concurrency_limit: int | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"How many of its runs may be held at once, 0 to 1,000,000. {_KEPT}; null is "
        "no limit.",
    )
    on_collision: CollisionPolicy | None = strawberry.field(
        default=None,
        description=f"What follows when one more is made. {_KEPT}; ENQUEUE in a new one.",
    )
    collision_parameter: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="COALESCE: the parameter whose value is a run's key; null puts all under one "
        f"key. {_KEPT}.",
    )
    version_label: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters: names the version that this makes. Another label than "
        "the current version's makes one by itself.",
    )
    git: JSON | None = strawberry.field(
        default=None,
        description="An object of at most 16 KiB: commit, branch and so on of the version. Another "
        "than the current version's makes one by itself.",
    )
    tags: list[str] | None = strawberry.field(
        default=None, description=f"All its tags, at most 50 of 1 to 100 characters. {_KEPT}."
    )
    paused: bool | None = strawberry.field(
        default=None, description=f"Whether schedules and waiting runs stand. {_KEPT}."
    )

    @property
    def by_name(self) -> tuple[str, str]:
        """What names the deployment in its workspace."""
        return self.flow_name, self.name

    def to_changes(self) -> DeploymentChanges:
        """Return what was said.

        Raises:
            InvalidInput: JSON of another shape.
        """
        asked = self.schedules
        wanted = None if asked is None else [schedule.to_request() for schedule in asked]
        return DeploymentChanges(
            entrypoint=given(self.entrypoint),
            description=given(self.description),
            parameters=given(an_object(self.parameters, "parameters")),
            parameter_schema=given(an_object(self.parameter_schema, "parameterSchema")),
            is_schema_enforced=given(self.enforce_parameter_schema),
            work_pool_name=given(self.work_pool_name, is_nullable=True),
            work_queue_name=given(self.work_queue_name),
            job_variables=given(an_object(self.job_variables, "jobVariables")),
            pull_steps=given(a_list(self.pull_steps, "pullSteps")),
            block_references=given(self.blocks, is_nullable=True),
            start_references=given(self.starts, is_nullable=True),
            on_agent_lost=given(self.on_agent_lost),
            abandon_after=given(self.abandon_after),
            fence=given(self.fence),
            infrastructure_retries=given(self.infrastructure_retries),
            late_threshold=given(self.late_threshold),
            concurrency_limit=given(self.concurrency_limit, is_nullable=True),
            on_collision=given(self.on_collision),
            collision_parameter=given(self.collision_parameter, is_nullable=True),
            is_paused=given(self.paused),
            version_label=given(self.version_label),
            git=given(an_object(self.git, "git")),
            tags=given(self.tags),
            schedules=given(wanted),
        )


@strawberry.type(description="A deployment that was made or changed.")
class DeploymentPayload:
    deployment: Deployment | None = payload_field("The deployment.")
    created: bool | None = payload_field("Whether it was made now.")
    changed: bool | None = payload_field(
        "Whether it was there and is another now, it or its schedules."
    )
    errors: list[MutationError] = errors_field()


@strawberry.input(description="Deployments that are stored together or not at all.")
class DeploymentUpsertBatchInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where all of them are.")
    deployments: list[DeploymentUpsertInput] = strawberry.field(
        description="At most 100, each a flow's deployment of another name."
    )

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            InvalidInput: too many, one twice, or one of another workspace.
        """
        if len(self.deployments) > MAX_BATCH:
            message = f"At most {MAX_BATCH} deployments go together."
            raise InvalidInput(message, path=["deployments"])
        names: set[tuple[str, str]] = set()
        for index, one in enumerate(self.deployments):
            place = ["deployments", str(index)]
            if one.workspace_id != self.workspace_id:
                message = "All deployments of a batch are in its workspace."
                raise InvalidInput(message, path=[*place, "workspaceId"])
            if one.by_name in names:
                raise InvalidInput("A batch names a deployment once.", path=[*place, "name"])
            names.add(one.by_name)


@strawberry.type(description="All deployments of a batch, or why none was stored.")
class DeploymentBatchPayload:
    results: list[DeploymentPayload] | None = payload_field("The deployments, as they were given.")
    errors: list[MutationError] = errors_field()


async def _upsert(
    info: Info, work: UnitOfWork, workspace_id: UUID, input: DeploymentUpsertInput
) -> DeploymentPayload:
    """Store a deployment within what the caller may do, be that on this one alone."""
    context = info.context
    row, outcome = await deployments.upsert_deployment(
        work,
        flow_name=input.flow_name,
        name=input.name,
        lease=context.backend.timers.lease,
        changes=input.to_changes(),
        expected_version=input.expected_version,
        allowance=allowance_of(context, workspace_id),
        is_starter=Scope.RUNS_WRITE in context.principal.scopes_in(workspace_id),
    )
    # The name may be another deployment's by now.
    context.demand(workspace_id, on=row.id)
    return _stored(row, outcome)


def _stored(row: DeploymentRow, outcome: Outcome) -> DeploymentPayload:
    return DeploymentPayload(
        deployment=show_deployment(row),
        created=outcome is Outcome.CREATED,
        changed=outcome is Outcome.CHANGED,
    )


async def _existing(info: Info, workspace_id: UUID, input: DeploymentUpsertInput) -> UUID | None:
    name = f"{input.flow_name}/{input.name}"
    among = visible(info.context, workspace_id)
    find = partial(deployments.find_by_name, name=name, among=among)
    return await existing(info.context, workspace_id, find)


def _demand(info: Info, workspace_id: UUID, input: DeploymentUpsertInput) -> None:
    """Refuse blocks that the caller may not use."""
    demand_use(
        info.context,
        workspace_id,
        [input.parameters, input.job_variables, input.pull_steps],
        [schedule.parameters for schedule in input.schedules or ()],
    )


@contextmanager
def _told_at(index: int) -> Generator[None]:
    """Say of what is refused which deployment of a batch it is about."""
    try:
        yield
    except HeadgateError as error:
        error.path = ("deployments", str(index), *error.path)
        raise


@strawberry.type
class DeploymentMutations:
    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Make or change a flow's deployment of a name. What is not said keeps its "
        "value, so a redeploy keeps ids and pauses.",
        is_storing=True,
    )
    async def deployment_upsert(
        self,
        info: Info,
        input: Annotated[DeploymentUpsertInput, strawberry.argument(description="Which.")],
    ) -> DeploymentPayload:
        workspace_id = workspace_id_of(input.workspace_id)
        _demand(info, workspace_id, input)
        on = await _existing(info, workspace_id, input)
        async with info.context.work(workspace_id, on=on) as work:
            return await _upsert(info, work, workspace_id, input)

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Make or change several deployments in one step: if one is refused, none is "
        "stored, and the error's path begins with deployments and its place.",
        is_storing=True,
    )
    async def deployment_upsert_batch(
        self,
        info: Info,
        input: Annotated[DeploymentUpsertBatchInput, strawberry.argument(description="Which.")],
    ) -> DeploymentBatchPayload:
        workspace_id = workspace_id_of(input.workspace_id)
        input.check()
        on: list[UUID | None] = []
        for index, one in enumerate(input.deployments):
            with _told_at(index):
                _demand(info, workspace_id, one)
            on.append(await _existing(info, workspace_id, one))
        # In one order for all callers: two who store the same ones wait, and do not deadlock.
        order = sorted(enumerate(input.deployments), key=lambda each: each[1].by_name)
        stored: dict[int, DeploymentPayload] = {}
        async with info.context.work(workspace_id, on=on[0] if on else None) as work:
            for index, one in order:
                with _told_at(index):
                    info.context.demand(workspace_id, on=on[index])
                    stored[index] = await _upsert(info, work, workspace_id, one)
        return DeploymentBatchPayload(results=[stored[index] for index in sorted(stored)])

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Pause or resume a deployment: its schedules and the runs that wait.",
    )
    async def deployment_pause(
        self, info: Info, input: Annotated[PauseInput, strawberry.argument(description="Which.")]
    ) -> DeploymentPayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.DEPLOYMENT)
        workspace_id = await context.workspace_of(deployments.get_many_deployments, id_)
        async with context.work(workspace_id, on=id_) as work:
            row, outcome = await deployments.set_paused(work, id_=id_, is_paused=input.paused)
        return _stored(row, outcome)
