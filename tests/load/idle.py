"""How fast the server starts, and what it and an agent take while nothing happens."""

import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from tests.fixtures.network import free_port
from tests.load.figures import Figure
from tests.load.installation import START_SECONDS, Installation, installed, stop

FIGURES = (
    "server_start_s",
    "dev_start_s",
    "server_rss_mb",
    "agent_rss_mb",
    "idle_transactions_per_minute",
)
REPEATS = 3
IDLE_SECONDS = 60
SETTLE_SECONDS = 5
_TRANSACTIONS = (
    "select xact_commit + xact_rollback from pg_stat_database where datname = 'headgate'"
)


def _dev_start_seconds() -> float:
    """Start everything with embedded services on an empty folder, until it says that it runs."""
    with tempfile.TemporaryDirectory(prefix="headgate-load-") as folder:
        began = time.monotonic()
        process = subprocess.Popen(
            [
                sys.executable, "-m", "headgate_server", "dev", "--no-agent", "--port",
                str(free_port()), "--data-dir", str(Path(folder) / "dev"),
            ],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if b"Headgate is running" in line:
                    return time.monotonic() - began
            raise RuntimeError("The server ended before it was ready.")
        finally:
            stop(process)
            process.stdout.close()


def _api_start_seconds(installation: Installation) -> float:
    """Start another API on the migrated database, until it says that it is ready."""
    port = free_port()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "headgate_server", "api", "--port", str(port)],
        env={**installation.environment, **installation.server_settings},
    )
    try:
        while time.monotonic() - began < START_SECONDS:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready") as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
            except OSError:
                time.sleep(0.005)
        raise RuntimeError("The API was not ready in time.")
    finally:
        stop(process)


def _transactions_while_idle(installation: Installation) -> float:
    """Return how many transactions the server and its agent make meanwhile.

    Postgres's own are not counted: it has just made the database, and analyses every catalog of it.
    """
    installation.query("alter system set autovacuum = off")
    installation.query("select pg_reload_conf()")
    time.sleep(SETTLE_SECONDS)
    before = installation.query(_TRANSACTIONS)
    time.sleep(IDLE_SECONDS)
    return float(installation.query(_TRANSACTIONS) - before)


def measure() -> list[Figure]:
    fresh = [_dev_start_seconds() for _ in range(REPEATS)]
    with installed() as installation, installation.agent() as agent:
        starts = [_api_start_seconds(installation) for _ in range(REPEATS)]
        server_rss = psutil.Process(installation.server.pid).memory_info().rss / 1e6
        agent_rss = psutil.Process(agent.pid).memory_info().rss / 1e6
        transactions = _transactions_while_idle(installation)
    return [
        Figure("server_start_s", "s", starts),
        Figure("dev_start_s", "s", fresh),
        Figure("server_rss_mb", "MB", [server_rss]),
        Figure("agent_rss_mb", "MB", [agent_rss]),
        Figure("idle_transactions_per_minute", "1/min", [transactions]),
    ]
