"""Five hundred no-op runs of one deployment on one agent."""

import time

from tests.load.dispatch import Runner
from tests.load.figures import Figure
from tests.load.installation import installed

FIGURES = ("noop_runs_per_minute",)
RUNS = 500
DEADLINE_SECONDS = 300
_LEFT = "select count(*) from flow_runs where state_type <> 'COMPLETED'"


def measure() -> list[Figure]:
    with installed() as installation, installation.agent("--limit", "8"):
        runner = Runner(installation, "noop")
        runner.run()
        began = time.monotonic()
        for _ in range(RUNS):
            runner.create()
        while installation.query(_LEFT):
            if time.monotonic() - began > DEADLINE_SECONDS:
                raise RuntimeError("The runs did not end in time.")
            time.sleep(0.1)
        seconds = time.monotonic() - began
    return [Figure("noop_runs_per_minute", "runs/min", [RUNS / seconds * 60])]
