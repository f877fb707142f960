"""What ``from headgate import flow, task`` costs a flow's process: time, and peak memory."""

import subprocess
import sys

from tests.load.figures import Figure

FIGURES = ("import_ms", "import_rss_mb")
RUNS = 10
TIMED = """
import time
started = time.perf_counter()
from headgate import flow, task
print((time.perf_counter() - started) * 1000)
"""
# Not ru_maxrss, which starts at the size of the process that forked this one.
WEIGHED = """
import pathlib
from headgate import flow, task
status = pathlib.Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def measure() -> list[Figure]:
    """Import the SDK in fresh interpreters."""
    return [
        Figure("import_ms", "ms", [_run(TIMED) for _ in range(RUNS)]),
        Figure("import_rss_mb", "MB", [_run(WEIGHED) for _ in range(RUNS)]),
    ]


def _run(code: str) -> float:
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
