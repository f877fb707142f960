"""``headgate agent``: start."""

import asyncio
import platform
from typing import Annotated

from cyclopts import Parameter

from headgate.agent.agent import AgentOptions, run_agent
from headgate.api import server_info
from headgate.api.transport import Transport
from headgate.cli.connection import PATIENCE_SECONDS, Server
from headgate.cli.failures import CommandError
from headgate.cli.names import get_work_pool
from headgate.errors import ApiError, HeadgateError, NotFoundError
from headgate.logs import configure_logging
from headgate.settings import load_settings


def start_agent(
    *,
    pool: Annotated[str, Parameter(help="the pool to serve")],
    name: Annotated[str | None, Parameter(help="its name; this machine's by default")] = None,
    limit: Annotated[int, Parameter(help="how many runs at once")] = 10,
    queue: Annotated[
        list[str] | None, Parameter(help="only this queue of the pool, as often as needed")
    ] = None,
    once: Annotated[bool, Parameter(help="leave when nothing waits")] = False,
    cold: Annotated[
        bool, Parameter(help="start each run in a fresh interpreter, no warm one")
    ] = False,
) -> None:
    """Serve a pool: receive its runs and execute them here, until SIGINT or SIGTERM.

    A first signal lets what runs end; a second one cancels it.
    """
    settings = load_settings()
    server = Server(settings)
    configure_logging(settings)
    options = AgentOptions(
        pool=pool,
        name=name or platform.node(),
        limit=limit,
        is_once=once,
        queue_names=tuple(queue) if queue else None,
        is_warm=not cold,
    )
    try:
        asyncio.run(_serve(server, options))
    except NotFoundError as error:
        raise _explained(server, pool=pool, error=error) from error
    finally:
        server.close()


async def _serve(server: Server, options: AgentOptions) -> None:
    transport = Transport(server.url, server.settings.api_key)
    if options.is_once:
        # An agent that stays waits for its server; one that comes to empty the pool does not.
        await server_info.get(transport, deadline_seconds=PATIENCE_SECONDS)
    await run_agent(transport, options)


def _explained(server: Server, *, pool: str, error: NotFoundError) -> HeadgateError:
    """Return what was meant, where the key may list pools; an agent's key may not."""
    try:
        get_work_pool(server, name=pool)
    except CommandError as explained:
        return explained
    except ApiError:
        return error
    return error
