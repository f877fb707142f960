"""Mutations on versions of deployments: promote one, roll back."""

from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.deployment_versions import DeploymentVersion
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.fields import mutation
from headgate_server.graphql.mutations.deployments import DeploymentPayload
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.blocks import allowance_of, demand_use
from headgate_server.graphql.types.deployments import show_deployment
from headgate_server.services import deployments, promotions
from headgate_server.services.deployment_versions import get_many_versions, get_version

_EXPECTED = "Refuse if the deployment has another version by now."


@strawberry.input(description="A version to make current.")
class DeploymentPromoteInput:
    id: strawberry.ID = strawberry.field(description="Which version, by its id.")
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.input(description="A deployment to take back.")
class DeploymentRollbackInput:
    id: strawberry.ID = strawberry.field(description="Which deployment.")
    expected_version: int | None = strawberry.field(default=None, description=_EXPECTED)


@strawberry.type
class DeploymentVersionMutations:
    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Make a deployment what one of its versions was. Pauses, schedules, the limit "
        "and the blocks it may read stay; runs that wait keep the version they were made of.",
    )
    async def deployment_promote(
        self,
        info: Info,
        input: Annotated[DeploymentPromoteInput, strawberry.argument(description="Which.")],
    ) -> DeploymentPayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.DEPLOYMENT_VERSION)
        workspace_id = await context.workspace_of(get_many_versions, id_)
        found = await context.locate(get_many_versions, id_)
        on = found.deployment_id if found is not None else None
        async with context.work(workspace_id, on=on) as work:
            _demand(info, workspace_id, await get_version(work, id_=id_))
            row = await promotions.promote_version(
                work,
                id_=id_,
                expected_version=input.expected_version,
                allowance=allowance_of(context, workspace_id),
                is_starter=Scope.RUNS_WRITE in context.principal.scopes_in(workspace_id),
            )
        return DeploymentPayload(deployment=show_deployment(row), created=False)

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Make the version that the current one replaced current, as promoting it does. "
        "Done again, it goes on to what was before.",
    )
    async def deployment_rollback(
        self,
        info: Info,
        input: Annotated[DeploymentRollbackInput, strawberry.argument(description="Which.")],
    ) -> DeploymentPayload:
        context = info.context
        id_ = ids.parse(input.id, kind=ids.Kind.DEPLOYMENT)
        workspace_id = await context.workspace_of(deployments.get_many_deployments, id_)
        async with context.work(workspace_id, on=id_) as work:
            earlier = await promotions.find_earlier(work, deployment_id=id_)
            _demand(info, workspace_id, earlier)
            row = await promotions.roll_back(
                work,
                deployment_id=id_,
                expected_version=input.expected_version,
                allowance=allowance_of(context, workspace_id),
                is_starter=Scope.RUNS_WRITE in context.principal.scopes_in(workspace_id),
            )
        return DeploymentPayload(deployment=show_deployment(row), created=False)


def _demand(info: Info, workspace_id: UUID, version: DeploymentVersion) -> None:
    """Go on only if the caller may use blocks, where the version's values name any."""
    content = version.content
    named = [content[name] for name in ("parameters", "job_variables", "pull_steps")]
    demand_use(info.context, workspace_id, *named)
