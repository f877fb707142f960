"""An installation of one test's own, to break."""

import itertools
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import Journey, set_out

_numbers = itertools.count(1)


@pytest.fixture
async def site(urls: DatabaseUrls, redis_url: str, tmp_path: Path) -> AsyncGenerator[Installation]:
    """An API and a scheduler over a fresh database; no agent yet."""
    with Installation(tmp_path / "site", urls, redis_url) as installation:
        await installation.make_tenant()
        installation.start_scheduler()
        installation.start_api()
        yield installation


@pytest.fixture
async def journey(site: Installation, tmp_path: Path) -> AsyncGenerator[Journey]:
    """A user's way through it."""
    journey = await set_out(site, tmp_path, pool="default")
    yield journey
    await journey.close()
