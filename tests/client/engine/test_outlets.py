"""Output of a run's process whose agent goes away: no line fails, and none is lost."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.deadlines import eventually_sync

LINES = 20_000
SAYS = """
import os, sys
from headgate.engine.outlets import outlive_reader

outlive_reader("run_1", agent=int(sys.argv[1]))
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    os.write(1 + number % 2, b"%d\\n" % number)
sys.stdin.readline()
os.system("echo told")
"""


@contextmanager
def process(home: Path, *, lines: int) -> Generator[tuple[subprocess.Popen[bytes], int, int]]:
    """A process that waits for a word, says lines, and waits again; and both that it is read by."""
    heard, agent = os.pipe()
    reader, output = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", SAYS, str(agent), str(lines)],
        stdin=subprocess.PIPE, stdout=output, stderr=output, pass_fds=(agent,),
        env={**os.environ, "HEADGATE_HOME": str(home)},
    ) as process:  # fmt: skip
        os.close(agent)
        os.close(output)
        yield process, reader, heard


def say(process: subprocess.Popen[bytes], word: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(word)
    process.stdin.flush()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux opens the other end of a pipe")
def test_no_line_fails_or_is_lost_whenever_the_agent_goes(tmp_path: Path) -> None:
    path = tmp_path / "output" / "run_1.log"
    with process(tmp_path, lines=LINES) as (run, reader, heard):
        # Nobody reads any more, and nothing has told of it yet.
        os.close(reader)
        say(run, b"go\n")
        os.close(heard)
        eventually_sync(lambda: path.exists() and b"19999\n" in path.read_bytes(), what="The lines")
        say(run, b"end\n")
        code = run.wait()

    said = path.read_text().splitlines()
    assert code == 0
    assert sorted(map(int, said[:-1])) == list(range(LINES))
    assert said[-1] == "told"


def test_run_goes_on_where_nothing_keeps_what_it_says(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.touch()
    with process(home, lines=LINES) as (run, reader, heard):
        os.close(reader)
        os.close(heard)
        say(run, b"go\nend\n")

        assert run.wait() == 0
