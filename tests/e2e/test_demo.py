"""``make demo ONCE=1``: everything comes out as it should, and nothing is left running."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.processes import is_served
from tests.fixtures.repository import ROOT

pytestmark = pytest.mark.e2e

SECONDS = 110


def test_demo_once_checks_its_outcome_and_stops_everything(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "-C", str(ROOT), "demo"],
        env={**os.environ, "ONCE": "1", "HEADGATE_DEMO_DIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything came out as it should." in done.stdout
    table = done.stdout.partition("FLOW ")[2].splitlines()[1:8]
    outcomes = sorted((line.split()[0], *line.split()[2:4]) for line in table)
    assert outcomes == [
        ("broken", "Failed", "1"),
        ("flaky", "Completed", "1"),
        ("heartbeat", "Completed", "1"),
        ("heartbeat", "Completed", "1"),
        ("heartbeat", "Completed", "1"),
        ("hello", "Completed", "3"),
        ("weather", "Completed", "52"),
    ]
    assert not is_served(tmp_path)
    assert list(tmp_path.iterdir()) == []
