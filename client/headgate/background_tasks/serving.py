"""Serves tasks from this process until it is told to end."""

import asyncio
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

from headgate.background_tasks.worker import TaskWorker
from headgate.logs import configure_logging
from headgate.redaction import RedactedStream
from headgate.settings import load_settings


def serve(*tasks: Any, limit: int = 10, grace_seconds: float = 30.0) -> None:
    """Run what is queued of these tasks with ``delay``, until SIGINT or SIGTERM.

    Several processes may serve the same tasks, on any machines; each call goes to one of them.

    Args:
        tasks: what is served; each by the name of its function.
        limit: how many run at once here.
        grace_seconds: how long they may go on once the process is told to end; what does not end
            in time is given back, and another worker runs it.

    Raises:
        ValueError: no tasks, or two that are called the same.
        SettingsError: no server or no workspace is configured.
        ApiError: this key may not serve tasks there.
    """
    settings = load_settings()
    configure_logging(settings)
    worker = TaskWorker(*tasks, limit=limit, grace_seconds=grace_seconds, settings=settings)
    # No agent reads this process's output, as it does that of runs, to mask what is secret there.
    stdout = cast("TextIO", RedactedStream(sys.stdout))
    stderr = cast("TextIO", RedactedStream(sys.stderr))
    with redirect_stdout(stdout), redirect_stderr(stderr):
        asyncio.run(worker.run())
