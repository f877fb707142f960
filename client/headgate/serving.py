"""``serve``: this process stores deployments of its flows, and runs them until it is stopped."""

import asyncio
import hashlib
import platform
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from headgate.agent.agent import run_agent
from headgate.agent.options import AgentOptions
from headgate.agent.work_stream import carriers
from headgate.api import deployments, work_pools, workspaces
from headgate.api.transport import Transport
from headgate.deployments.runner import RunnerDeployment, to_deployment
from headgate.deployments.storing import upsert
from headgate.errors import ParameterError
from headgate.flows import Flow
from headgate.logs import configure_logging, get_logger
from headgate.settings import Settings, load_settings

logger = get_logger("serving")

DEFAULT_LIMIT = 10


def serve(
    *served: RunnerDeployment,
    pause_on_shutdown: bool = True,
    limit: int | None = None,
    **others: Any,
) -> None:
    """Store deployments, and run them in processes of this machine until SIGINT or SIGTERM.

    A first signal lets what runs end; a second one cancels it. Several processes that serve the
    same deployments share their runs.

    Args:
        served: as ``flow.to_deployment`` returns them.
        pause_on_shutdown: let no schedule fire while nobody serves.
        limit: how many runs at once.
        others: nothing: what Prefect takes beside these has no meaning here.

    Raises:
        SettingsError: no server or no workspace is configured.
        ParameterError: nothing is to be served.
    """
    asyncio.run(aserve(*served, pause_on_shutdown=pause_on_shutdown, limit=limit, **others))


async def aserve(
    *served: RunnerDeployment,
    pause_on_shutdown: bool = True,
    limit: int | None = None,
    **others: Any,
) -> None:
    """Do as ``serve`` does, in a coroutine."""
    if not served:
        message = "serve() needs a deployment, as flow.to_deployment() returns them"
        raise ParameterError(message)
    if others:
        logger.warning("serve() leaves out %s", ", ".join(sorted(others)))
    settings = load_settings()
    configure_logging(settings)
    transport = Transport(settings.require_api_url(), settings.api_key)
    pool = _pool_of(served)
    try:
        ids = await _store(transport, settings, served, pool=pool)
        logger.info("Serving %s", ", ".join(one.full_name for one in served))
        await run_agent(transport, _options(settings, pool=pool, limit=limit or DEFAULT_LIMIT))
        if pause_on_shutdown:
            for id_ in ids:
                await deployments.pause(transport, deployment_id=id_)
    finally:
        await transport.close()


class Runner:
    """Serves deployments that are added one by one, as ``serve`` does all at once.

    Args:
        name: nothing: the deployments have names.
        pause_on_shutdown: let no schedule fire while nobody serves.
        limit: how many runs at once.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        pause_on_shutdown: bool = True,
        limit: int | None = None,
        **others: Any,
    ) -> None:
        self.name = name
        self.pause_on_shutdown = pause_on_shutdown
        self.limit = limit
        self._others = others
        self._served: list[RunnerDeployment] = []

    def add_deployment(self, deployment: RunnerDeployment) -> None:
        """Serve a deployment too, once it starts."""
        self._served.append(deployment)

    def add_flow(self, flow: Flow[..., Any], name: str | None = None, **options: Any) -> None:
        """Serve a flow too, as a deployment; the options are those of ``flow.deploy``."""
        self.add_deployment(to_deployment(flow, name or flow.name, **options))

    async def start(self) -> None:
        """Store the deployments, and run them until SIGINT or SIGTERM.

        Raises:
            SettingsError: no server or no workspace is configured.
            ParameterError: nothing is to be served.
        """
        await aserve(
            *self._served,
            pause_on_shutdown=self.pause_on_shutdown,
            limit=self.limit,
            **self._others,
        )


async def _store(
    transport: Transport, settings: Settings, served: Sequence[RunnerDeployment], *, pool: str
) -> list[str]:
    organization, workspace = settings.require_workspace()
    workspace_id = await workspaces.get_id(
        transport, organization=organization, workspace=workspace
    )
    await work_pools.upsert(transport, workspace_id=workspace_id, name=pool)
    ids: list[str] = []
    for one in served:
        is_paused = bool(one.spec.is_paused)
        spec = replace(one.spec, work_pool=pool, is_paused=is_paused)
        stored = await upsert(transport, workspace_id=workspace_id, flow=one.flow, spec=spec)
        ids.append(stored.deployment.id)
    return ids


def _options(settings: Settings, *, pool: str, limit: int) -> AgentOptions:
    return AgentOptions(
        pool=pool,
        name=platform.node(),
        limit=limit,
        workspace=settings.require_workspace(),
        carriers=carriers(settings.agent_transport),
        climb_seconds=settings.agent_climb_seconds,
    )


def _pool_of(served: Sequence[RunnerDeployment]) -> str:
    """Return the pool of these deployments: the same one for whoever serves the same."""
    names = "\n".join(sorted(one.full_name for one in served))
    return f"serve-{hashlib.sha256(names.encode()).hexdigest()[:12]}"


__all__ = ["Runner", "RunnerDeployment", "aserve", "serve"]
