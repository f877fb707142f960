"""Everything on one machine: embedded Postgres and Valkey, the API, the scheduler, an agent."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from headgate_server.app import serve_api
from headgate_server.core import Core, attended, open_core, stop_signal
from headgate_server.crypto.keyfile import make_first_key
from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.users import OWNER_EMAIL
from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.services import EmbeddedServices
from headgate_server.http.server import check_bindable
from headgate_server.installation import check_database_urls
from headgate_server.scheduler import serve_scheduler
from headgate_server.services import api_keys, bootstrap, passwords
from headgate_server.settings import Settings

AGENT_STOP_SECONDS = 15
POOL = "default"


@dataclass(frozen=True, slots=True)
class DevOptions:
    """What the command line asks for; ``fill`` puts something in, and says what."""

    data_dir: Path
    is_fresh: bool
    has_agent: bool
    fill: Callable[[Core], Awaitable[str]] | None = None


@dataclass(frozen=True, slots=True)
class DevFile:
    """What ``dev.json`` tells the tools of this machine."""

    url: str
    graphql_url: str
    organization: str
    workspace: str
    api_key: str

    def write(self, path: Path) -> None:
        """Write the file so that only its owner can read it, in one step."""
        temporary = path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(
                {name: getattr(self, name) for name in self.__dataclass_fields__}, file, indent=2
            )
        temporary.replace(path)


async def run(settings: Settings, options: DevOptions) -> None:
    """Run the whole installation until SIGINT or SIGTERM.

    Raises:
        HeadgateError: something could not start; the message says what to do, and nothing is
            left running.
    """
    stop = stop_signal()
    check_bindable(settings.host, settings.port)
    check_database_urls(settings)
    if options.is_fresh:
        await asyncio.to_thread(DataDir.clear, options.data_dir)
    services = EmbeddedServices(
        options.data_dir,
        has_postgres=not settings.database_url,
        has_valkey=not settings.redis_url,
    )
    async with services:
        secret = settings.secret_key or services.secret("secret_key")
        settings = replace(
            settings,
            secret_key=secret,
            kek=settings.kek or await _own_kek(options.data_dir),
            redis_url=settings.redis_url or services.redis_url,
            owner_database_url=settings.owner_database_url
            or settings.database_url
            or services.postgres_url,
        )
        urls = await _migrate(settings)
        settings = replace(
            settings,
            owner_database_url=urls.owner,
            database_url=urls.app,
            system_database_url=urls.system,
        )
        async with open_core(settings) as core:
            await _serve(core, options, stop)


async def _own_kek(data_dir: Path) -> str:
    folder = data_dir / "secrets" / "kek"
    await asyncio.to_thread(make_first_key, folder)
    return f"keyfile:{folder}"


async def _migrate(settings: Settings) -> DatabaseUrls:
    urls = await upgrade(
        settings.owner_database_url,
        secret_key=settings.secret_key,
        role_prefix=settings.role_prefix,
    )
    if settings.database_url and settings.system_database_url:
        return DatabaseUrls(urls.owner, settings.database_url, settings.system_database_url)
    return urls


async def _serve(core: Core, options: DevOptions, stop: asyncio.Event) -> None:
    path = options.data_dir / "dev.json"
    file = await _sign_in(core, path)
    token = await bootstrap.issue_owner_token(core.database, pepper=core.settings.pepper)
    if options.fill is not None:
        sys.stdout.write(f"{await options.fill(core)}\n")
    ready = asyncio.Event()
    async with attended(core) as (readiness, health), asyncio.TaskGroup() as tasks:
        serving = serve_api(
            core, readiness=readiness, health=health, until=stop.wait(), on_ready=ready.set
        )
        tasks.create_task(serving)
        tasks.create_task(serve_scheduler(core, until=stop.wait()))
        await ready.wait()
        file.write(path)
        _greet(file, path, has_agent=options.has_agent, token=token)
        if options.has_agent:
            tasks.create_task(_keep_agent(file, options.data_dir, stop))


async def _sign_in(core: Core, path: Path) -> DevFile:
    """Return the way in: the key of the last start where it still works, else a new one."""
    known = await asyncio.to_thread(_known_key, path)
    try:
        if known is not None:
            await api_keys.authenticate(core.database, known, pepper=core.settings.pepper)
    except Unauthenticated:
        known = None
    made = await bootstrap.bootstrap_dev(core.database, pepper=core.settings.pepper, key=known)
    url = core.settings.url
    return DevFile(
        url=url,
        graphql_url=f"{url}/graphql",
        organization=made.organization.slug,
        workspace=made.workspace.slug,
        api_key=known or made.secret,
    )


def _known_key(path: Path) -> str | None:
    try:
        found = json.loads(path.read_text())["api_key"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _greet(file: DevFile, path: Path, *, has_agent: bool, token: str | None) -> None:
    way_in = passwords.link_of(file.url, token) if token else f"{file.url}/auth/sign-in"
    lines = [
        "",
        f"  Headgate is running at {file.url}",
        "",
        f"  GraphQL    {file.graphql_url}",
        f"  Workspace  {file.organization}/{file.workspace}",
        f"  API key    {file.api_key}",
        f"  Sign in    {way_in} as {OWNER_EMAIL}",
        f"  Agent      {'one, in the pool ' + POOL if has_agent else 'none (--no-agent)'}",
        "",
        f"  All of it stands in {path}. Ctrl-C stops everything.",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


async def _keep_agent(file: DevFile, data_dir: Path, stop: asyncio.Event) -> None:
    """Keep a local agent running until the stop; it drains before the API goes away."""
    if find_spec("headgate") is None:
        sys.stderr.write("No local agent: the headgate package is not installed here.\n")
        return
    environment = {
        **os.environ,
        "HEADGATE_API_URL": file.url,
        "HEADGATE_API_KEY": file.api_key,
        "HEADGATE_WORKSPACE": f"{file.organization}/{file.workspace}",
        "HEADGATE_HOME": str(data_dir / "agent"),
    }
    while not stop.is_set():
        agent = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "headgate",
            "agent",
            "start",
            "--pool",
            POOL,
            "--name",
            "local",
            "--tethered",
            stdin=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        stopping = asyncio.create_task(stop.wait())
        exited = asyncio.create_task(agent.wait())
        await asyncio.wait({stopping, exited}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not exited.done():
            agent.terminate()
            await asyncio.wait({exited}, timeout=AGENT_STOP_SECONDS)
            if not exited.done():
                agent.kill()
                await exited
        elif not stop.is_set():
            sys.stderr.write(f"The local agent ended with code {agent.returncode}; restarting.\n")
            await asyncio.sleep(1)
