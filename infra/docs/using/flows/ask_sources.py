"""Timeouts: a source that takes too long is given up, and the next one is asked."""

import time

from headgate import flow, task
from headgate.states import Failed

SPEEDS = {"fast": 0.0, "slow": 60.0, "broken": -1.0, "good": 0.0}


@task(timeout_seconds=0.3, task_run_name="ask {source}")
def ask(source: str) -> str:
    """Ask one source."""
    seconds = SPEEDS[source]
    if seconds < 0:
        message = f"{source} hangs up"
        raise ConnectionError(message)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(0.05)
    return f"{source} answers"


@flow(timeout_seconds=60)
def ask_sources(sources: tuple[str, ...] = ("slow", "broken", "good")):
    """Return the first answer, with what became of the sources before it."""
    outcomes: dict[str, str] = {}
    for source in sources:
        state = ask(source, return_state=True)
        outcomes[source] = state.name
        if state.is_completed():
            return outcomes
    return Failed(message="No source answered")


if __name__ == "__main__":
    ask_sources()
