"""``headgate agent``: start."""

import asyncio
import os
import platform
import signal
import sys
import threading
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.agent.agent import run_agent
from headgate.agent.options import AgentOptions
from headgate.agent.work_stream import carriers
from headgate.api import server_info
from headgate.api.transport import Transport
from headgate.cli.connection import PATIENCE_SECONDS, Server
from headgate.cli.failures import CommandError
from headgate.cli.names import get_work_pool
from headgate.errors import ApiError, HeadgateError, NotFoundError, SettingsError
from headgate.logs import configure_logging
from headgate.settings import Settings, load_settings


def start_agent(
    *,
    pool: Annotated[str, Parameter(help="the pool to serve")],
    name: Annotated[str | None, Parameter(help="its name; this machine's by default")] = None,
    limit: Annotated[
        int,
        Parameter(help="how many runs at once, at most 1000", validator=Number(gte=1, lte=1000)),
    ] = 10,
    queue: Annotated[
        list[str] | None, Parameter(help="only this queue of the pool, as often as needed")
    ] = None,
    once: Annotated[bool, Parameter(help="leave when nothing waits")] = False,
    cold: Annotated[
        bool, Parameter(help="start each run in a fresh interpreter, no warm one")
    ] = False,
    tethered: Annotated[
        bool, Parameter(help="leave when standard input closes: with the program that started it")
    ] = False,
) -> None:
    """Serve a pool: receive its runs and execute them here, until SIGINT or SIGTERM.

    A first signal lets what runs end; a second one cancels it.
    """
    settings = load_settings()
    has_workspace = settings.organization is not None and settings.workspace is not None
    options = AgentOptions(
        pool=pool,
        name=name or platform.node(),
        limit=limit,
        is_once=once,
        queue_names=tuple(queue) if queue else None,
        is_warm=not cold,
        carriers=carriers(settings.agent_transport),
        climb_seconds=settings.agent_climb_seconds,
        # An agent's own key is bound to a workspace, so none need be configured.
        workspace=settings.require_workspace() if has_workspace else None,
    )
    configure_logging(settings)
    if tethered:
        threading.Thread(target=_follow_starter, name="headgate-tether", daemon=True).start()
    try:
        asyncio.run(_serve(settings, options))
    except NotFoundError as error:
        raise _explained(settings, pool=pool, error=error) from error


def _follow_starter() -> None:
    """Drain as for SIGTERM once nobody holds the other end of standard input any more."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(settings: Settings, options: AgentOptions) -> None:
    transport = Transport(settings.require_api_url(), settings.api_key)
    try:
        if options.is_once:
            # An agent that stays waits for its server; one that comes to empty a pool does not.
            await server_info.get(transport, deadline_seconds=PATIENCE_SECONDS)
        await run_agent(transport, options)
    finally:
        await transport.close()


def _explained(settings: Settings, *, pool: str, error: NotFoundError) -> HeadgateError:
    """Return what was meant, where the key may list pools; an agent's own key may not."""
    try:
        server = Server(settings)
        get_work_pool(server, name=pool)
    except CommandError as explained:
        return explained
    except (ApiError, SettingsError):
        return error
    return error
