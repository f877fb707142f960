"""A whole installation for a measurement: real Postgres and Valkey, the server, an agent."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from anyio.from_thread import BlockingPortal, start_blocking_portal

from headgate.api.transport import SyncTransport
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.network import free_port
from tests.fixtures.sql import query

FLOWS = Path(__file__).parent / "flows.py"
START_SECONDS = 30.0
RATES = tuple(
    f"HEADGATE_RATE_{name}" for name in ("KEY", "RUN", "AGENT", "ORGANIZATION", "REPORTS")
)
"""Measurements run without limits on the rate of calls."""


@dataclass
class Installation:
    """A running server, and the ways to look at it and into its database."""

    url: str
    api_key: str
    workspace: str
    database_url: str
    folder: Path
    server: subprocess.Popen[bytes]
    portal: BlockingPortal
    server_settings: dict[str, str]
    agents: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    @property
    def environment(self) -> dict[str, str]:
        """What a process of a user has in its environment."""
        return {
            **os.environ,
            "HEADGATE_API_URL": self.url,
            "HEADGATE_API_KEY": self.api_key,
            "HEADGATE_WORKSPACE": self.workspace,
            "HEADGATE_HOME": str(self.folder / "home"),
        }

    def transport(self) -> SyncTransport:
        """Return a connection with the owner's key."""
        return SyncTransport(self.url, self.api_key)

    def query(self, statement: str) -> Any:
        """Return the one value of a query, run as the owner of the database."""
        return self.portal.call(query, self.database_url, statement)

    def server_cpu_seconds(self) -> float:
        """Return the processor time of the API and of every Postgres backend so far."""
        return _cpu_seconds(psutil.Process(self.server.pid)) + sum(
            _cpu_seconds(process)
            for process in psutil.process_iter(["cmdline"])
            if "postgres" in " ".join(process.info["cmdline"] or ())
            and str(self.folder) in " ".join(process.info["cmdline"] or ())
        )

    @contextmanager
    def agent(self, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
        """Run an agent in the default pool until the context ends."""
        log = (self.folder / f"agent-{len(self.agents)}.log").open("wb")
        command = [
            sys.executable, "-m", "headgate", "agent", "start", "--pool", "default", *arguments,
        ]  # fmt: skip
        process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        self.agents.append(process)
        try:
            _wait_for_line(Path(log.name), "Waiting for runs", process)
            yield process
        finally:
            # Runs outlive their agent.
            runs = _descendants(process)
            stop(process)
            for run in runs:
                with suppress(psutil.NoSuchProcess):
                    run.kill()
            log.close()


def _descendants(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def _wait_for_line(path: Path, line: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while line not in path.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{line!r} never came:\n{path.read_text(errors='replace')[-4000:]}")
        time.sleep(0.005)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make sure of it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def installed(settings: Mapping[str, str] | None = None) -> Generator[Installation]:
    """Start everything but an agent; all of it is gone when the context ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headgate-load-")))
        portal = stack.enter_context(start_blocking_portal())
        services = stack.enter_context(
            portal.wrap_async_context_manager(EmbeddedServices(folder / "services"))
        )
        log = stack.enter_context((folder / "server.log").open("wb"))
        secret = secrets.token_hex(16)
        given = {
            "HEADGATE_DATABASE_URL": services.postgres_url,
            "HEADGATE_REDIS_URL": services.redis_url,
            "HEADGATE_SECRET_KEY": secret,
            # One key and one run stand for a whole team here.
            **dict.fromkeys(RATES, "0"),
            **(settings or {}),
        }
        server = subprocess.Popen(
            [
                sys.executable, "-m", "headgate_server", "dev", "--no-agent", "--port",
                str(free_port()), "--data-dir", str(folder / "dev"),
            ],
            env={**os.environ, **given},
            stdout=log,
            stderr=log,
        )  # fmt: skip
        stack.callback(stop, server)
        _wait_for_line(folder / "server.log", "Headgate is running", server)
        known = json.loads((folder / "dev" / "dev.json").read_text())
        yield Installation(
            url=known["url"],
            api_key=known["api_key"],
            workspace=f"{known['organization']}/{known['workspace']}",
            database_url=services.postgres_url,
            folder=folder,
            server=server,
            portal=portal,
            server_settings=given,
        )
