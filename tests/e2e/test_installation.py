"""What the tests with real processes rest on: nothing they start outlives them."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.leashed import Leashed

HOLDER = """
import os, sys, time
from pathlib import Path
from tests.fixtures.leashed import Leashed

leashed = Leashed(
    "tree", [sys.executable, "-c", sys.argv[2], sys.argv[1]], environment={}, log=Path(os.devnull)
)
time.sleep(600)
"""
# A process with a child in a session of its own, which outlives it, as a run outlives its agent.
TREE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid} ")
time.sleep(600)
"""


def pids(path: Path) -> list[int]:
    written = path.read_text() if path.exists() else ""
    return [int(pid) for pid in written.split()] if written.endswith(" ") else []


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_killed_test_takes_its_processes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "pids"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path), TREE])
    tree = eventually_sync(lambda: pids(path), within_seconds=30, what="the processes")
    assert [is_alive(pid) for pid in tree] == [True, True]

    holder.kill()
    holder.wait()

    eventually_sync(lambda: not any(map(is_alive, tree)), what="the end of the processes")


def test_what_a_killed_process_left_behind_ends_with_the_block(tmp_path: Path) -> None:
    path = tmp_path / "pids"
    command = [sys.executable, "-c", TREE, str(path)]
    with Leashed("tree", command, environment={}, log=tmp_path / "log") as leashed:
        tree = eventually_sync(lambda: pids(path), within_seconds=30, what="the processes")

        leashed.kill()

        assert leashed.exit_code == -signal.SIGKILL
        assert [is_alive(pid) for pid in tree] == [False, True]

    assert [is_alive(pid) for pid in tree] == [False, False]
