"""What the API's callers feel while Redis does not answer, and how soon its jobs are done again.

Redis is frozen, so that connections to it neither answer nor close: the worst way to be away.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.load.dispatch import CREATE, Runner
from tests.load.figures import Figure, percentile
from tests.load.http_calls import Caller
from tests.load.installation import RATES, Installation, installed

FIGURES = ("redis_away_read_p99_ratio", "redis_away_write_p99_ratio", "redis_back_s")
CALLS = 600
LONGEST_SECONDS = 60.0
POLL_SECONDS = 0.05
LIMITED = dict.fromkeys(RATES, "1000000")
"""Calls are counted in Redis, and refused to nobody."""
READ = """query Runs($id: ID!) { node(id: $id) { ... on Workspace {
  flowRuns(first: 20) { nodes { id state { name } } } } } }"""
_JOBS = "select count(*) from outbox"


def p99s(installation: Installation, work: Runner) -> tuple[float, float]:
    """Return the p99 of reads and of writes, taken in turns."""
    caller = Caller(installation.url, installation.api_key)
    wanted = {"workspaceId": work.workspace_id, "deploymentId": work.deployment_id}
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(CALLS):
        seconds[0].append(_timed(lambda: caller.call(READ, {"id": work.workspace_id})))
        seconds[1].append(_timed(lambda: caller.call(CREATE, {"input": wanted})))
    return (
        percentile(sorted(seconds[0]), fraction=0.99),
        percentile(sorted(seconds[1]), fraction=0.99),
    )


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def back_after(installation: Installation, work: Runner) -> float:
    """Create a run, and return how soon its events are published."""
    work.create()
    began = time.monotonic()
    while installation.query(_JOBS):
        if time.monotonic() - began > LONGEST_SECONDS:
            raise RuntimeError("The events were not published in time.")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def measure() -> Iterator[Figure]:
    with installed(LIMITED) as installation:
        work = Runner(installation, "noop")
        p99s(installation, work)
        normal = p99s(installation, work)
        pid = int(Path(installation.folder, "services/valkey/valkey.pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            away = p99s(installation, work)
        finally:
            os.kill(pid, signal.SIGCONT)
        seconds = back_after(installation, work)
    yield Figure("redis_away_read_p99_ratio", "ratio", [away[0] / normal[0]])
    yield Figure("redis_away_write_p99_ratio", "ratio", [away[1] / normal[1]])
    yield Figure("redis_back_s", "s", [seconds])
