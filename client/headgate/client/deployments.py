"""The client's calls about flows, their deployments, and when those run."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from headgate.api import deletions, deployments, flows, schedules
from headgate.api.calls import given
from headgate.api.deployments import DeploymentAnswer, DeploymentInput
from headgate.api.flows import FlowAnswer
from headgate.api.schedules import ScheduleAnswer
from headgate.client.calls import ClientCalls
from headgate.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from headgate.client.schemas.criteria import all_of, made_of
from headgate.client.schemas.filters import DeploymentFilter, FlowFilter
from headgate.errors import NotFoundError


class DeploymentCalls(ClientCalls):
    """What a client does about flows and deployments."""

    async def create_flow_from_name(self, flow_name: str) -> str:
        """Make sure that a flow of this name exists, and return its id."""
        workspace_id = await self.workspace_id()
        stored = await flows.upsert(self._transport, workspace_id=workspace_id, name=flow_name)
        return stored.id

    async def read_flow(self, flow_id: str) -> FlowAnswer:
        """Return a flow."""
        found = await self.read_flows(flow_filter=FlowFilter.model_validate(_of_id(flow_id)))
        return _only(found, what=f"flow {flow_id}")

    async def read_flow_by_name(self, flow_name: str) -> FlowAnswer:
        """Return the flow of a name."""
        found = await flows.find(self._transport, **self._place, name=flow_name)
        return _only([] if found is None else [found], what=f"flow {flow_name!r}")

    async def read_flows(
        self, *, flow_filter: FlowFilter | None = None, limit: int | None = None, offset: int = 0
    ) -> list[FlowAnswer]:
        """Return flows by name."""
        lister = partial(flows.list_flows, filter=made_of(flow_filter))
        return await self._all(lister, limit=limit, offset=offset)

    async def delete_flow(self, flow_id: str) -> None:
        """Delete a flow without deployments, with its runs."""
        await deletions.delete(self._transport, kind="Flow", id_=flow_id)

    async def read_deployment(self, deployment_id: str) -> DeploymentAnswer:
        """Return a deployment."""
        return await deployments.get(self._transport, deployment_id=deployment_id)

    async def read_deployment_by_name(self, name: str) -> DeploymentAnswer:
        """Return the deployment ``flow/deployment``."""
        flow_name, _, own_name = name.partition("/")
        found = await deployments.find(
            self._transport, **self._place, flow_name=flow_name, name=own_name
        )
        return _only([] if found is None else [found], what=f"deployment {name!r}")

    async def read_deployments(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        limit: int | None = None,
        offset: int = 0,
        filter: Mapping[str, Any] | None = None,
    ) -> list[DeploymentAnswer]:
        """Return deployments by name; ``filter`` is one of the API itself."""
        flow = made_of(flow_filter)
        wanted = all_of(
            made_of(deployment_filter) or {}, {"flow": flow} if flow else {}, dict(filter or {})
        )
        lister = partial(deployments.list_deployments, filter=wanted or None)
        return await self._all(lister, limit=limit, offset=offset)

    async def update_deployment(
        self, deployment_id: str, deployment: DeploymentUpdate
    ) -> DeploymentAnswer:
        """Change some of a deployment, if nobody has changed it meanwhile."""
        found = await self.read_deployment(deployment_id)
        changed = DeploymentInput(
            flow_name=found.flow.name,
            name=found.name,
            expected_version=found.version,
            paused=deployment.paused,
            description=deployment.description,
            version_label=deployment.version,
            tags=deployment.tags,
            parameters=deployment.parameters,
            job_variables=deployment.job_variables,
            entrypoint=deployment.entrypoint,
            work_pool_name=deployment.work_pool_name,
            work_queue_name=deployment.work_queue_name,
            concurrency_limit=deployment.concurrency_limit,
            enforce_parameter_schema=deployment.enforce_parameter_schema,
        )
        stored = await deployments.upsert(
            self._transport, workspace_id=await self.workspace_id(), deployment=changed
        )
        return stored.deployment

    async def delete_deployment(self, deployment_id: str) -> None:
        """Delete a deployment that has no live runs."""
        await deletions.delete(self._transport, kind="Deployment", id_=deployment_id)

    async def pause_deployment(self, deployment_id: str) -> DeploymentAnswer:
        """Stop a deployment's schedules."""
        return await deployments.pause(self._transport, deployment_id=deployment_id)

    async def resume_deployment(self, deployment_id: str) -> DeploymentAnswer:
        """Let a deployment's schedules go on."""
        return await deployments.pause(
            self._transport, deployment_id=deployment_id, is_paused=False
        )

    async def set_deployment_paused_state(self, deployment_id: str, paused: bool) -> None:  # noqa: FBT001 - the shape that Prefect's users know
        """Stop a deployment's schedules, or let them go on."""
        await deployments.pause(self._transport, deployment_id=deployment_id, is_paused=paused)

    async def read_deployment_schedules(self, deployment_id: str) -> list[ScheduleAnswer]:
        """Return the schedules of a deployment."""
        wanted = {"id": {"eq": deployment_id}}
        page = await schedules.list_of_deployments(
            self._transport, **self._place, filter=wanted, first=1
        )
        return list(_only(page.items, what=f"deployment {deployment_id}").schedules)

    async def create_deployment_schedules(
        self, deployment_id: str, new: Sequence[DeploymentScheduleCreate | tuple[Any, bool]]
    ) -> list[ScheduleAnswer]:
        """Make schedules, or change those of the same slug, and return them.

        Args:
            new: each as an object, or as a schedule and whether it is active.
        """
        taken = {one.slug for one in await self.read_deployment_schedules(deployment_id)}
        made: list[ScheduleAnswer] = []
        for given_one in new:
            wanted = _wanted(given_one)
            slug = wanted.slug or wanted.schedule.slug or _free_slug(taken)
            taken.add(slug)
            made.append(
                await schedules.upsert(
                    self._transport,
                    input=given(
                        deploymentId=deployment_id,
                        slug=slug,
                        spec=wanted.schedule.as_spec(),
                        active=wanted.schedule.is_active
                        if wanted.active is None
                        else wanted.active,
                        parameters=wanted.parameters or wanted.schedule.parameters or None,
                    ),
                )
            )
        return made

    async def update_deployment_schedule(
        self,
        deployment_id: str,
        schedule_id: str,
        *,
        active: bool | None = None,
        schedule: Any = None,
    ) -> ScheduleAnswer:
        """Change a schedule, if nobody has changed it meanwhile."""
        found = await self.read_deployment_schedules(deployment_id)
        one = _only([it for it in found if it.id == schedule_id], what=f"schedule {schedule_id}")
        spec = None if schedule is None else schedule.as_spec()
        return await schedules.change_one(
            self._transport,
            deployment_id=deployment_id,
            schedule=one,
            changes=given(active=active, spec=spec),
        )

    async def delete_deployment_schedule(self, deployment_id: str, schedule_id: str) -> None:
        """Delete a schedule with the runs it has planned."""
        found = await self.read_deployment_schedules(deployment_id)
        _only([it for it in found if it.id == schedule_id], what=f"schedule {schedule_id}")
        await schedules.delete(self._transport, schedule_id=schedule_id)


def _only(found: Sequence[Any], *, what: str) -> Any:
    if not found:
        message = f"There is no {what}, or this key may not see it"
        raise NotFoundError(message)
    return found[0]


def _of_id(id_: str) -> dict[str, Any]:
    return {"id": {"any_": [id_]}}


def _wanted(one: DeploymentScheduleCreate | tuple[Any, bool]) -> DeploymentScheduleCreate:
    if isinstance(one, DeploymentScheduleCreate):
        return one
    schedule, active = one
    return DeploymentScheduleCreate(schedule=schedule, active=active)


def _free_slug(taken: set[str]) -> str:
    number = len(taken) + 1
    while f"schedule-{number}" in taken:
        number += 1
    return f"schedule-{number}"
