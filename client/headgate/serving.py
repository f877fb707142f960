"""``serve``: this process stores deployments of its flows, and runs them until it is stopped."""

import asyncio
import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from headgate.agent.agent import run_agent
from headgate.agent.options import AgentOptions
from headgate.agent.work_stream import carriers
from headgate.api import deployments, work_pools, workspaces
from headgate.api.transport import Transport
from headgate.deployments.from_flows import spec_of
from headgate.deployments.storing import DeploymentSpec, upsert
from headgate.errors import ParameterError
from headgate.flows import Flow
from headgate.logs import configure_logging, get_logger
from headgate.settings import Settings, load_settings

logger = get_logger("serving")

DEFAULT_LIMIT = 10


@dataclass(frozen=True, slots=True)
class ServedFlow:
    """A flow, and what is stored of it as a deployment."""

    flow: Flow[..., Any]
    spec: DeploymentSpec

    @property
    def full_name(self) -> str:
        """``flow/deployment``."""
        return f"{self.flow.name}/{self.spec.name}"


def to_deployment(flow: Flow[..., Any], name: str, **options: Any) -> ServedFlow:
    """Return a flow with what ``serve`` is to store of it; the options are those of ``deploy``."""
    return ServedFlow(flow, spec_of(flow, name=name, work_pool_name="", **options))


def serve(
    *served: ServedFlow,
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
    *served: ServedFlow,
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


async def _store(
    transport: Transport, settings: Settings, served: Sequence[ServedFlow], *, pool: str
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


def _pool_of(served: Sequence[ServedFlow]) -> str:
    """Return the pool of these deployments: the same one for whoever serves the same."""
    names = "\n".join(sorted(one.full_name for one in served))
    return f"serve-{hashlib.sha256(names.encode()).hexdigest()[:12]}"


__all__ = ["ServedFlow", "aserve", "serve", "to_deployment"]
