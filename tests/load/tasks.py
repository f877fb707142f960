"""What a task costs: client time, server time, write-ahead log, and the wait until it is stored."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.load.figures import Figure
from tests.load.installation import FLOWS, Installation, installed

FIGURES = (
    "task_sequential_client_ms",
    "task_sequential_server_cpu_ms",
    "task_drain_s",
    "map_drain_s",
    "task_wal_kb",
    "map5000_recorded",
    "map5000_drain_s",
    "flow_noop_ms",
    "subflow_noop_ms",
)
TASKS, MAPPED, REPEATS = 1000, 5000, 3
DEADLINE_SECONDS = 60
_STORED = "select count(*) from task_runs where state_type = 'COMPLETED'"
_WAL = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a script: its own samples, and what the server made of it."""

    samples: list[float]
    drain_seconds: float
    stored: int
    server_cpu_ms: float
    wal_kb: float


def run_script(installation: Installation, name: str, count: int, *, expected: int) -> Sample:
    """Run a flow in a process of its own and wait until its tasks are stored."""
    before = installation.query(_STORED)
    wal, cpu = installation.query(_WAL), installation.server_cpu_seconds()
    process = subprocess.run(
        [sys.executable, str(FLOWS), name, str(count)],
        env=installation.environment,
        capture_output=True,
        check=True,
    )
    told = json.loads(process.stdout.splitlines()[-1])
    returned_at = told.get("returned_at", time.time())
    stored = 0
    while stored < expected and time.time() - returned_at < DEADLINE_SECONDS:
        stored = installation.query(_STORED) - before
    drained_at = time.time()
    share = max(expected, 1)
    return Sample(
        samples=told["samples"],
        drain_seconds=max(drained_at - returned_at, 0.0),
        stored=stored,
        server_cpu_ms=(installation.server_cpu_seconds() - cpu) / share * 1000,
        wal_kb=float(installation.query(_WAL) - wal) / share / 1024,
    )


def measure() -> list[Figure]:
    with installed() as installation:
        run_script(installation, "sequential", 100, expected=100)
        sequential = [
            run_script(installation, "sequential", TASKS, expected=TASKS) for _ in range(REPEATS)
        ]
        mapped = [run_script(installation, "mapped", TASKS, expected=TASKS) for _ in range(REPEATS)]
        large = [
            run_script(installation, "mapped", MAPPED, expected=MAPPED) for _ in range(REPEATS)
        ]
        noop = run_script(installation, "noop", 30, expected=0)
        subflow = run_script(installation, "parent", 20, expected=0)
    return [
        Figure("task_sequential_client_ms", "ms", [run.samples[0] for run in sequential]),
        Figure("task_sequential_server_cpu_ms", "ms", [run.server_cpu_ms for run in sequential]),
        Figure("task_drain_s", "s", [run.drain_seconds for run in sequential]),
        Figure("map_drain_s", "s", [run.drain_seconds for run in mapped]),
        Figure("task_wal_kb", "kB", [run.wal_kb for run in sequential]),
        Figure("map5000_recorded", "task runs", [run.stored for run in large]),
        Figure("map5000_drain_s", "s", [run.drain_seconds for run in large]),
        Figure("flow_noop_ms", "ms", noop.samples),
        Figure("subflow_noop_ms", "ms", subflow.samples),
    ]
