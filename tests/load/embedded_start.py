"""How long the embedded Postgres and Valkey take until they accept connections."""

import asyncio
import tempfile
import time
from pathlib import Path

from headgate_server.embedded.services import EmbeddedServices
from tests.load.figures import Figure

FIGURES = ("embedded_start_fresh_s", "embedded_start_again_s")
RUNS = 5


def measure() -> list[Figure]:
    """Start on fresh data directories, and again on the same ones."""
    fresh: list[float] = []
    again: list[float] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="headgate-bench-") as folder:
            fresh.append(asyncio.run(_seconds_to_start(Path(folder))))
            again.append(asyncio.run(_seconds_to_start(Path(folder))))
    return [
        Figure("embedded_start_fresh_s", "s", fresh),
        Figure("embedded_start_again_s", "s", again),
    ]


async def _seconds_to_start(data_dir: Path) -> float:
    started = time.perf_counter()
    async with EmbeddedServices(data_dir):
        return time.perf_counter() - started
