"""How soon a run is shown as unresponsive when its host is gone, with the product's own times."""

import time

import psutil

from tests.load.dispatch import Runner
from tests.load.figures import Figure
from tests.load.herd import wait_until
from tests.load.installation import Installation, installed

FIGURES = ("unresponsive_after_s", "unresponsive_falsely")
RUNS = 5
LONGEST_SECONDS = 90.0
POLL_SECONDS = 0.2
_RUNNING = "select count(*) from flow_runs where state_type = 'RUNNING'"
_SHOWN = "select count(*) from flow_runs where unresponsive_since is not null"


def kill_host(pid: int) -> None:
    """Kill -9 an agent and all that it started."""
    agent = psutil.Process(pid)
    for process in [agent, *agent.children(recursive=True)]:
        process.kill()


def shown_after(installation: Installation) -> list[float]:
    """Return after how many seconds from now each of the runs is shown."""
    began = time.monotonic()
    found: list[float] = []
    while len(found) < RUNS:
        passed = time.monotonic() - began
        if passed > LONGEST_SECONDS:
            raise RuntimeError("The runs were not shown in time.")
        found += [passed] * (installation.query(_SHOWN) - len(found))
        time.sleep(POLL_SECONDS)
    return found


def measure() -> list[Figure]:
    with installed() as installation, installation.agent("--limit", str(RUNS)) as agent:
        work = Runner(installation, "lasting")
        for _ in range(RUNS):
            work.create()
        wait_until(lambda: installation.query(_RUNNING) == RUNS, what="Every run")
        falsely = installation.query(_SHOWN)
        kill_host(agent.pid)
        seconds = shown_after(installation)
    return [
        Figure("unresponsive_after_s", "s", seconds),
        Figure("unresponsive_falsely", "runs", [falsely]),
    ]
