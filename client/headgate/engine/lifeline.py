"""What ties a run's process to the agent that started it."""

import ctypes
import os
import signal
import sys
from typing import TextIO, cast

from headgate.engine.fence import die_in_time
from headgate.engine.flow_run import run_job
from headgate.engine.last_hooks import run_last_hooks
from headgate.engine.orders import hear
from headgate.engine.outlets import outlive_reader
from headgate.engine.whispers import tell_agent
from headgate.redaction import RedactedStream, redactor
from headgate.specs import decode_job
from headgate.task_runners import end_pools

OUTCOME_KNOWN = 77
"""The exit code of a process whose outcome the server knows.

Not 0: user code may leave with that behind the engine's back, and then nobody has told.
"""
_PR_SET_PDEATHSIG = 1
_POOLS_END_SECONDS = 2.0
"""What a process of a pool works on after the end of the run is given up then."""


def run(
    document: bytes,
    *,
    secrets: int | None = None,
    orders: int | None = None,
    fence: int | None = None,
) -> int:
    """Run a job in this process and return its exit code: ``OUTCOME_KNOWN``, or 1.

    Of a run that has ended already, only its hooks are called; the exit code says nothing then.

    Under RETRY the kernel kills this process with its parent: the run starts again elsewhere, and
    two copies of it must never run at once. Otherwise the run goes on without an agent.

    Args:
        document: the job, as JSON.
        secrets: where the agent hears what it is to mask.
        orders: where this process hears the agent.
        fence: where the agent writes until when this process may live: it kills itself then, for
            an agent that hangs can neither renew the lease nor kill anybody.
    """
    if fence is not None:
        die_in_time(fence)
    if orders is not None:
        hear(orders)
    job = decode_job(document)
    for secret in job.redacted:
        redactor.add(secret)
    if secrets is not None:
        tell_agent(secrets)
    if job.on_agent_lost == "RETRY":
        _die_with_parent()
    elif sys.platform != "win32":
        outlive_reader(os.environ.get("HEADGATE_FLOW_RUN_ID", "run"), agent=secrets)
    # Last: what outlives the agent has streams of its own.
    sys.stdout = cast("TextIO", RedactedStream(sys.stdout))
    sys.stderr = cast("TextIO", RedactedStream(sys.stderr))
    if job.ending is not None:
        return run_last_hooks(job, job.ending)
    code = run_job(job)
    end_pools(within_seconds=_POOLS_END_SECONDS)
    return OUTCOME_KNOWN if code == 0 else 1


def _die_with_parent() -> None:
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
