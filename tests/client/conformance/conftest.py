"""What the cases are given: what their runs would report, a clock that jumps, and a real server."""

import re
from collections.abc import Generator

import pytest

from headgate.client import SyncClient, get_client
from headgate.client.schemas.actions import WorkPoolCreate
from headgate.testing import Records, VirtualClock, record_runs, virtual_time
from tests.fixtures.installation import Installation


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


@pytest.fixture
def client(shared: Installation, monkeypatch: pytest.MonkeyPatch) -> Generator[SyncClient]:
    """A client of a real server, which is configured for this process."""
    monkeypatch.setenv("HEADGATE_API_URL", shared.url)
    monkeypatch.setenv("HEADGATE_API_KEY", shared.api_key)
    monkeypatch.setenv("HEADGATE_WORKSPACE", shared.workspace)
    with get_client(sync_client=True) as opened:
        yield opened


@pytest.fixture
def own_name(request: pytest.FixtureRequest) -> str:
    """A name for what this case stores."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-60:].strip("-")


@pytest.fixture
def pool(client: SyncClient, own_name: str) -> str:
    """A work pool that no agent serves."""
    return client.create_work_pool(WorkPoolCreate(name=own_name), overwrite=True).name
