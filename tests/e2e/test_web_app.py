"""The web application in a real browser: journeys that somebody takes through a running server."""

from pathlib import Path

import pytest

from tests.e2e.journeys import Journeys

pytestmark = pytest.mark.e2e

JOURNEYS_SECONDS = 420
DEMO = 0.02
"""So much of the demo is there as well, in organizations of its own."""
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


@flow(log_prints=True)
def enduring():
    for step in range(40):
        print(f"step {step}")
        time.sleep(0.4)


@flow
def fails():
    raise ValueError("row 10 is out of range")


@flow
def greets():
    return "hello"


{"lasting": lasting, "enduring": enduring, "fails": fails, "greets": greets}[sys.argv[1]]()
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


@pytest.mark.lengthy
@pytest.mark.timeout(JOURNEYS_SECONDS + 60)
def test_journeys_through_the_web_application(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "report.py").write_text(REPORT)

    Journeys(tmp_path, demo=DEMO, seconds=JOURNEYS_SECONDS).run()
