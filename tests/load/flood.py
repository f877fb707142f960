"""A run that floods its log, and what the runs of other workspaces feel of it.

The flood's own slowness is against the same flow without a server. A rogue is a client of the API
that keeps to no limit of its own.

``SECONDS`` and ``RATE`` (lines a second) make it shorter or milder: 60 and 100,000 unless given.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
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
    "flood_lines_stored",
    "flood_lines_uncounted",
    "flood_stored_after_s",
    "flood_other_delay_alone_s",
    "flood_other_delay_beside_s",
    "flood_other_delay_ratio",
    "rogue_lines_per_s",
    "rogue_other_delay_ratio",
)
SECONDS = int(os.environ.get("FOR_SECONDS", "60"))
RATE = int(os.environ.get("RATE", "100000"))
ALONE_SAMPLES = 100
PAUSE_SECONDS = 0.05
LONGEST_SECONDS = 2 * SECONDS + 600
ROGUES = 4
"""Clients that keep to no limit, each on a connection of its own, all of one run."""
ROGUE_BATCH = 1000
_STORED = "select count(*) from logs where message like 'flood %'"
_TOLD = (
    "select coalesce(sum(split_part(message, ' ', 1)::bigint), 0)::bigint from logs "
    "where message ~ '^[0-9]+ log lines were dropped'"
)


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
        self._caller, self._token = caller, begun["runToken"]
        self._writer = caller.with_token(self._token)
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

    def flood(self, until: float) -> int:
        """Send batches of this run as fast as they are answered; return how many lines."""
        writer = self._caller.with_token(self._token)
        stream_id, lines = make_uuid(), 0
        at = time.time_ns() // 1000
        batch: dict[str, list[Any]] = {
            "timestamp": [at] * ROGUE_BATCH,
            "level": [INFO] * ROGUE_BATCH,
            "logger": ["rogue"] * ROGUE_BATCH,
            "message": [f"rogue {number}" for number in range(ROGUE_BATCH)],
            "taskRunId": [None] * ROGUE_BATCH,
        }
        given = {"flowRunId": self._run_id, "streamId": stream_id, "batch": batch}
        while time.monotonic() < until:
            answer = writer.answer(APPEND, {"input": {**given, "offset": lines}})
            if "errors" in answer:
                time.sleep(answer["errors"][0]["extensions"]["retryAfterMs"] / 1000)
            else:
                lines = answer["data"]["logsAppend"]["nextOffset"]
        return lines


def measure() -> Iterator[Figure]:
    alone_told = _told(_flood({**os.environ, "HEADGATE_API_URL": ""}))
    with installed() as installation:
        probe = Probe(other_workspace(installation))
        alone = [_sample(probe) for _ in range(ALONE_SAMPLES)]
        beside, told = _beside(probe, _flood(installation.environment))
        stored, dropped = installation.query(_STORED), installation.query(_TOLD)
        rogue, lines_per_s = _beside_rogues(probe, installation)
    per_line = [found["seconds"] / found["lines"] for found in (told, alone_told)]
    p95s = [percentile(sorted(samples), fraction=0.95) for samples in (alone, beside, rogue)]
    yield from (
        Figure("flood_offered_lines_per_s", "lines/s", [1 / per_line[0]]),
        Figure("flood_run_slower_ratio", "ratio", [per_line[0] / per_line[1]]),
        Figure("flood_lines_stored", "lines", [stored]),
        Figure("flood_lines_uncounted", "lines", [told["lines"] - stored - dropped]),
        Figure("flood_stored_after_s", "s", [told["whole_seconds"] - told["seconds"]]),
        Figure("flood_other_delay_alone_s", "s", alone),
        Figure("flood_other_delay_beside_s", "s", beside),
        Figure("flood_other_delay_ratio", "ratio", [p95s[1] / p95s[0]]),
        Figure("rogue_lines_per_s", "lines/s", [lines_per_s]),
        Figure("rogue_other_delay_ratio", "ratio", [p95s[2] / p95s[0]]),
    )


def _flood(environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(FLOWS), "flood", str(SECONDS), str(RATE)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _told(flood: subprocess.Popen[str]) -> dict[str, float]:
    """Return what a flood says of itself as it ends."""
    out, _ = flood.communicate(timeout=LONGEST_SECONDS)
    return json.loads(out.splitlines()[-1])


def _beside(probe: Probe, flood: subprocess.Popen[str]) -> tuple[list[float], dict[str, float]]:
    began = time.monotonic()
    beside: list[float] = []
    while flood.poll() is None:
        if time.monotonic() - began > LONGEST_SECONDS:
            flood.kill()
            raise RuntimeError("The flood did not end in time.")
        beside.append(_sample(probe))
    return beside, _told(flood)


def _beside_rogues(probe: Probe, installation: Installation) -> tuple[list[float], float]:
    """Return the delays beside clients of one run that send as fast as they may, and how fast."""
    rogue = Probe(installation)
    until = time.monotonic() + min(SECONDS, 20)
    with ThreadPoolExecutor(ROGUES) as pool:
        sent = [pool.submit(rogue.flood, until) for _ in range(ROGUES)]
        beside: list[float] = []
        while time.monotonic() < until:
            beside.append(_sample(probe))
    return beside, sum(found.result() for found in sent) / min(SECONDS, 20)


def _sample(probe: Probe) -> float:
    time.sleep(PAUSE_SECONDS)
    return probe.delay_seconds()
