"""What runs in the worlds of ``tests.chaos.orchestration``; it notes as ``user_flows`` does."""

from user_flows import last, note

from headgate import flow, pause_flow_run, runtime, suspend_flow_run, task
from headgate.concurrency.sync import concurrency


@flow
def limited() -> None:
    """Be one of few runs of a deployment."""
    note("begun")
    last(0.5)
    note("ended")


@flow
def slotted() -> None:
    """Hold a slot of a named limit for a while."""
    note("begun")
    with concurrency("chaos", occupy=1):
        note("in")
        last(0.4)
        note("out")
    note("ended")


@flow
def asking() -> None:
    """Wait for an answer in its process."""
    note("begun")
    note(f"told:{pause_flow_run(wait_for_input=int, key='go', timeout=None)}")
    note("ended")


@flow
def leaving() -> None:
    """Wait for an answer without one."""
    note("begun")
    note(f"told:{suspend_flow_run(wait_for_input=int, key='go', timeout=None)}")
    note("ended")


@task
def step(number: int) -> int:
    """Take some time."""
    last(0.25)
    return number


@flow
def stepping() -> None:
    """Come by many places where somebody may have it pause."""
    note("begun")
    for number in range(8):
        step(number)
    note("ended")


@flow
def ending() -> None:
    """Take so long that somebody may cancel it."""
    note("begun")
    last(2.0)
    note("ended")


@flow
def filled(number: int) -> None:
    """Be one of the runs of a backfill."""
    note("begun")
    last(0.2 + number / 100)
    note("ended")


@flow(retries=1, retry_delay_seconds=1)
def patient() -> None:
    """Fail on the first attempt, and wait for the second without a process."""
    note("begun")
    if runtime.flow_run.run_count == 1:
        raise RuntimeError("first attempt")
    note("ended")


@flow
def breaking() -> None:
    """Fail, to be started again by somebody."""
    note("begun")
    raise RuntimeError("always")
