"""The web application in a real browser: journeys that somebody takes through a running server."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.dev_server import DevServer, dev_server

pytestmark = pytest.mark.e2e

FRONTEND = Path(__file__).parents[2] / "frontend"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
JOURNEYS_SECONDS = 420
FLOWS = '''
"""Flows that the journeys watch."""

import sys
import time

from headgate import flow


@flow(log_prints=True)
def lasting():
    for step in range(10):
        print(f"step {step}")
        time.sleep(0.4)


@flow
def fails():
    raise ValueError("row 10 is out of range")


@flow
def greets():
    return "hello"


{"lasting": lasting, "fails": fails, "greets": greets}[sys.argv[1]]()
'''
REPORT = '''
"""A flow that the journeys deploy."""

from headgate import flow, task


@task
def load(row: int) -> int:
    print(f"row {row}")
    return row


@flow(log_prints=True)
def report(region: str = "us", rows: int = 3, *, broken: bool = False) -> int:
    total = sum(load(row) for row in range(rows))
    print(f"rows of {region}")
    if broken:
        raise RuntimeError("the report is empty")
    return total
'''


POINTS_A_SECOND = "3000"
"""Journeys look at a page a second, as no one person does for long."""


@pytest.mark.timeout(JOURNEYS_SECONDS + 60)
def test_journeys_through_the_web_application(tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, "No Chromium: apt-get install --no-install-recommends chromium"
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "report.py").write_text(REPORT)
    with dev_server(tmp_path, HEADGATE_RATE_USER=POINTS_A_SECOND) as server:
        done = subprocess.run(
            ["npx", "--no-install", "vitest", "run", "--config", "vitest.journeys.config.ts"],
            cwd=FRONTEND,
            env={**os.environ, **_settings(server, browser=browser)},
            capture_output=True,
            text=True,
            timeout=JOURNEYS_SECONDS,
            check=False,
        )

    assert done.returncode == 0, done.stdout + done.stderr


def _settings(server: DevServer, *, browser: str) -> dict[str, str]:
    """Return what the journeys have to know."""
    log = (server.folder / "server.log").read_text()
    (link,) = (word for word in log.split() if "/auth/password/new#" in word)
    return {
        **server.environment,
        "HEADGATE_URL": server.url,
        "HEADGATE_SIGN_IN": link,
        "HEADGATE_SHOTS": str(server.folder),
        "HEADGATE_CHROMIUM": browser,
        "HEADGATE_PYTHON": sys.executable,
        "HEADGATE_FLOWS": str(server.folder / "flows.py"),
        "NO_COLOR": "1",
    }
