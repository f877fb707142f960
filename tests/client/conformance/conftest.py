"""What the cases are given: what their runs would report, and a clock that jumps."""

from collections.abc import Generator

import pytest

from headgate.testing import Records, VirtualClock, record_runs, virtual_time


@pytest.fixture
def runs() -> Generator[Records]:
    """What the runs of this case would tell a server."""
    with record_runs() as records:
        yield records


@pytest.fixture
def clock() -> Generator[VirtualClock]:
    """The clock of this case and of the runs in it."""
    with virtual_time() as virtual:
        yield virtual
