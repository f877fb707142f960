"""Flows with what is stored of them as deployments: for ``serve``, and ``deploy`` of several."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from headgate import elsewhere
from headgate.api import workspaces
from headgate.api.deployments import StoredDeployment
from headgate.api.transport import SyncTransport
from headgate.deployments.building import build_and_push
from headgate.deployments.from_flows import spec_of, with_image
from headgate.deployments.images import DockerImage
from headgate.deployments.sources import loaded_flow
from headgate.deployments.storing import DeploymentSpec, upsert_all
from headgate.engine.entrypoints import load_flow
from headgate.errors import ParameterError
from headgate.flows import Flow
from headgate.logs import get_logger
from headgate.settings import load_settings

logger = get_logger("deployments")


@dataclass(frozen=True, slots=True)
class RunnerDeployment:
    """A flow, and what is stored of it as a deployment, as ``flow.to_deployment`` returns it."""

    flow: Flow[..., Any]
    spec: DeploymentSpec

    @property
    def name(self) -> str:
        """The deployment's own name."""
        return self.spec.name

    @property
    def flow_name(self) -> str:
        """The name of its flow."""
        return self.flow.name

    @property
    def full_name(self) -> str:
        """``flow/deployment``."""
        return f"{self.flow.name}/{self.spec.name}"

    @property
    def entrypoint(self) -> str:
        """Where its flow is, from the folder of its code."""
        return self.spec.entrypoint

    @classmethod
    def from_flow(cls, flow: Flow[..., Any], name: str, **options: Any) -> Self:
        """Return what is to be stored of a flow; the options are those of ``flow.deploy``."""
        pool = options.pop("work_pool_name", None) or ""
        return cls(flow, spec_of(flow, name=name, work_pool_name=pool, **options))

    @classmethod
    def from_entrypoint(cls, entrypoint: str, name: str, **options: Any) -> Self:
        """Return what is to be stored of the flow that ``path/file.py:flow`` names."""
        return cls.from_flow(load_flow(entrypoint), name, **options)

    @classmethod
    def from_storage(cls, storage: Any, entrypoint: str, name: str, **options: Any) -> Self:
        """Return what is to be stored of a flow whose code is elsewhere."""
        return cls.from_flow(loaded_flow(storage, entrypoint), name, **options)

    def apply(
        self, work_pool_name: str | None = None, image: str | DockerImage | None = None
    ) -> str:
        """Store the deployment, and return its id.

        Args:
            work_pool_name: whose agents run it, where it does not say.
            image: one with the code, which is there already.
        """
        (id_,) = deploy(self, work_pool_name=work_pool_name, image=image, build=False, push=False)
        return id_


def to_deployment(flow: Flow[..., Any], name: str, **options: Any) -> RunnerDeployment:
    """Return a flow with what is to be stored of it; the options are those of ``flow.deploy``."""
    return RunnerDeployment.from_flow(flow, name, **options)


def deploy(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
    ignore_warnings: bool = False,
) -> list[str]:
    """Store several deployments, all of them or none, and return their ids.

    Args:
        work_pool_name: whose agents run those that do not say.
        image: an image with the code of all, or its name; built of this folder, and pushed, once.
        build, push: whether that is done now.
        print_next_steps_message: whether the log names what was stored.
        ignore_warnings: nothing: there are none.

    Raises:
        ParameterError: nothing is to be stored, or one has no pool.
        EntrypointError: the image cannot be built or pushed; nothing was stored.
        RefusedError: the server refused one; ``path`` tells which, and nothing was stored.
    """
    del ignore_warnings
    if not deployments:
        message = "deploy() needs a deployment, as flow.to_deployment() returns them"
        raise ParameterError(message)
    specs = [
        with_image(one.flow, _in_pool(one, work_pool_name), image, is_built=build, is_pushed=push)
        for one in deployments
    ]
    built = build_and_push(specs, say=logger.info)
    flows = [one.flow for one in deployments]
    stored = _store(list(zip(built, flows, strict=True)))
    if print_next_steps_message:
        logger.info("Stored %s", ", ".join(one.full_name for one in deployments))
    return [one.deployment.id for one in stored]


async def adeploy(*deployments: RunnerDeployment, **options: Any) -> list[str]:
    """Do as ``deploy`` does, in a coroutine."""
    return await asyncio.to_thread(deploy, *deployments, **options)


def _in_pool(one: RunnerDeployment, pool: str | None) -> DeploymentSpec:
    wanted = one.spec.work_pool or pool
    if not wanted:
        message = f"Say in which pool {one.full_name} runs: deploy(…, work_pool_name=…)"
        raise ParameterError(message)
    return replace(one.spec, work_pool=wanted)


def _store(deployed: Sequence[tuple[DeploymentSpec, Flow[..., Any]]]) -> list[StoredDeployment]:
    settings = load_settings()
    organization, workspace = settings.require_workspace()
    transport = SyncTransport(settings.require_api_url(), settings.api_key)
    try:
        workspace_id = transport.call(
            workspaces.get_id, organization=organization, workspace=workspace
        )
        return transport.call(upsert_all, workspace_id=workspace_id, deployed=deployed)
    finally:
        transport.close()


DeploymentImage = DockerImage

__all__ = ["DeploymentImage", "DockerImage", "RunnerDeployment", "adeploy", "deploy"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
