"""What runs in the world of ``tests.chaos``: flows that say when they were executed, and by whom.

One line each in ``FOLDER/executions``: run, epoch, process, instant, what, and whose child it is.
The instant is that of the machine's monotonic clock, which all processes share, whatever date each
believes in. Their beginning and their end they also say in their log, after that.
"""

import os
import signal
import time
from pathlib import Path

from headgate import flow, get_run_logger, runtime, task

FOLDER = Path(os.environ.get("TEST_FOLDER", "."))
EPOCH = os.environ.get("HEADGATE_LEASE_EPOCH", "0")
STEP_SECONDS = 0.05


def note(what: str) -> None:
    """Append one line, whole, however many processes do so at once."""
    process = f"{os.getpid()} {time.monotonic()} {what} {os.getppid()}"
    line = f"{runtime.flow_run.id} {EPOCH} {process}\n"
    descriptor = os.open(FOLDER / "executions", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)
    if what in {"begun", "ended"}:
        get_run_logger().info(what)


def last(seconds: float) -> None:
    """Take some time, and show all along that this process is alive."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(STEP_SECONDS)
        note("alive")


@task
def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


@flow
def quick() -> int:
    """Run at once and to the end."""
    note("begun")
    result = double(21)
    note("ended")
    return result


@flow
def lasting(seconds: float = 1.0) -> None:
    """Take some time, with a task on either side of it."""
    note("begun")
    double(1)
    last(seconds)
    double(2)
    note("ended")


@flow(retries=2, retry_delay_seconds=0.1)
def flaky() -> None:
    """Fail on the first attempt of a process only."""
    note("begun")
    double(1)
    if runtime.flow_run.run_count == 1:
        raise RuntimeError("first attempt")
    note("ended")


@flow
def maps(count: int = 10) -> int:
    """Map over some numbers."""
    note("begun")
    results = [future.result() for future in double.map(range(count))]
    note("ended")
    return sum(results)


@flow
def inner(number: int) -> int:
    """Run inside another flow."""
    note("begun")
    result = double(number)
    note("ended")
    return result


@flow
def outer() -> int:
    """Run another flow."""
    note("begun")
    result = inner(20) + 2
    note("ended")
    return result


@flow(retries=1, retry_delay_seconds=0.1)
def failing() -> None:
    """Fail on every attempt."""
    note("begun")
    raise RuntimeError("always")


@flow
def fatal() -> None:
    """Kill its own process, as what takes too much memory does."""
    note("begun")
    os.kill(os.getpid(), signal.SIGKILL)
