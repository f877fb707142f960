"""Output of a run's process whose agent goes away: no line fails, and none is lost."""

import os
import subprocess
import sys
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux opens the other end of a pipe")
def test_no_line_fails_or_is_lost_whenever_the_agent_goes(tmp_path: Path) -> None:
    heard, agent = os.pipe()
    reader, output = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", SAYS, str(agent), str(LINES)],
        stdin=subprocess.PIPE, stdout=output, stderr=output, pass_fds=(agent,),
        env={**os.environ, "HEADGATE_HOME": str(tmp_path)},
    ) as process:  # fmt: skip
        os.close(agent)
        os.close(output)
        assert process.stdin is not None

        # Nobody reads any more, and nothing has told of it yet.
        os.close(reader)
        process.stdin.write(b"go\n")
        process.stdin.flush()
        os.close(heard)
        path = tmp_path / "output" / "run_1.log"
        eventually_sync(lambda: path.exists() and b"19999\n" in path.read_bytes(), what="The lines")
        process.stdin.write(b"end\n")
        process.stdin.close()
        code = process.wait()

    said = path.read_text().splitlines()
    assert code == 0
    assert sorted(map(int, said[:-1])) == list(range(LINES))
    assert said[-1] == "told"
