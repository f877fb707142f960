"""What every test gets: the fixtures by subject, asyncio as the event loop, loopback only."""

import pytest
from hypothesis import settings

from tests.fixtures import compiled, network

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.databases",
    "tests.fixtures.world",
    "tests.fixtures.installations",
    "tests.fixtures.browsers",
    "tests.fixtures.provider_worlds",
    "tests.fixtures.shared_installation",
    "tests.fixtures.reports",
    "tests.fixtures.signals",
    "tests.fixtures.held_up_runs",
    "tests.fixtures.kept_estates",
]


def pytest_configure() -> None:
    network.forbid_all_but_loopback()
    compiled.share()
    # How long an example takes says how busy the machine is.
    settings.register_profile("headgate", deadline=None)
    settings.load_profile("headgate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes: begun late, all else would wait for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("lengthy") is None)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
