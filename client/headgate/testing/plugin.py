"""Fixtures for pytest, there wherever Headgate is installed."""

from collections.abc import Generator

import pytest

from headgate.testing.clocks import VirtualClock
from headgate.testing.harness import Records, headgate_test_harness, virtual_time


@pytest.fixture
def headgate_runs() -> Generator[Records]:
    """Flows of this test run without a server; here is what they would have told it."""
    with headgate_test_harness() as records:
        yield records


@pytest.fixture
def headgate_clock() -> Generator[VirtualClock]:
    """The delays of this test's runs take no time; here is how long they would have taken."""
    with virtual_time() as clock:
        yield clock
