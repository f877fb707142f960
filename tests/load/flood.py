"""A run that floods its log, and what the runs of other workspaces feel of it.

``SECONDS`` and ``RATE`` (lines a second) make it shorter or milder: 60 and 100,000 unless given.
"""

import json
import os
import subprocess
import sys
import time
from typing import Any

from headgate.ids import make_uuid
from tests.load.dispatch import Runner
from tests.load.fairness import other_workspace
from tests.load.figures import Figure, percentile
from tests.load.http_calls import Caller
from tests.load.installation import FLOWS, Installation, installed
from tests.load.logs import APPEND, BEGIN, INFO

FIGURES = (
    "flood_offered_lines_per_s",
    "flood_run_slower_ratio",
    "flood_lines_missing",
    "flood_stored_after_s",
    "flood_other_delay_alone_s",
    "flood_other_delay_beside_s",
    "flood_other_delay_ratio",
)
SECONDS = int(os.environ.get("SECONDS", "60"))
RATE = int(os.environ.get("RATE", "100000"))
ALONE_SAMPLES = 100
PAUSE_SECONDS = 0.05
LONGEST_SECONDS = 2 * SECONDS + 600
_STORED = "select count(*) from logs where message like 'flood %'"


class Probe:
    """A run of the other workspace that logs a line now and then."""

    def __init__(self, installation: Installation) -> None:
        caller = Caller(installation.url, installation.api_key)
        given: dict[str, Any] = {
            "workspaceId": Runner(installation, "noop").workspace_id,
            "flowName": "probe",
            "clientId": make_uuid(),
            "parameters": {},
        }
        begun = caller.call(BEGIN, {"input": given})["flowRunBegin"]
        self._writer = caller.with_token(begun["runToken"])
        self._run_id: str = begun["flowRun"]["id"]
        self._stream_id = make_uuid()
        self._offset = 0

    def delay_seconds(self) -> float:
        """Log one line; return how long it took until whoever reads can see it."""
        batch: dict[str, list[Any]] = {
            "timestamp": [time.time_ns() // 1000],
            "level": [INFO],
            "logger": ["probe"],
            "message": [f"probe {self._offset}"],
            "taskRunId": [None],
        }
        given = {"flowRunId": self._run_id, "streamId": self._stream_id, "batch": batch}
        began = time.monotonic()
        self._writer.call(APPEND, {"input": {**given, "offset": self._offset}})
        self._offset += 1
        return time.monotonic() - began


def measure() -> list[Figure]:
    with installed() as installation:
        probe = Probe(other_workspace(installation))
        alone = [_sample(probe) for _ in range(ALONE_SAMPLES)]
        command = [sys.executable, str(FLOWS), "flood", str(SECONDS), str(RATE)]
        began = time.monotonic()
        with subprocess.Popen(
            command,
            env=installation.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as flood:
            beside: list[float] = []
            while flood.poll() is None:
                if time.monotonic() - began > LONGEST_SECONDS:
                    flood.kill()
                    raise RuntimeError("The flood did not end in time.")
                beside.append(_sample(probe))
            assert flood.stdout is not None
            told = json.loads(flood.stdout.read().splitlines()[-1])
        whole = time.monotonic() - began
        stored = installation.query(_STORED)
    p95s = [percentile(sorted(samples), fraction=0.95) for samples in (alone, beside)]
    return [
        Figure("flood_offered_lines_per_s", "lines/s", [told["lines"] / told["seconds"]]),
        Figure("flood_run_slower_ratio", "ratio", [told["seconds"] * RATE / told["lines"]]),
        Figure("flood_lines_missing", "lines", [told["lines"] - stored]),
        Figure("flood_stored_after_s", "s", [whole - told["seconds"]]),
        Figure("flood_other_delay_alone_s", "s", alone),
        Figure("flood_other_delay_beside_s", "s", beside),
        Figure("flood_other_delay_ratio", "ratio", [p95s[1] / p95s[0]]),
    ]


def _sample(probe: Probe) -> float:
    time.sleep(PAUSE_SECONDS)
    return probe.delay_seconds()
