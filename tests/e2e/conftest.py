"""One installation of real processes for all tests of this folder; each has a pool of its own."""

import re
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from headgate_server.database.urls import DatabaseUrls
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.databases import clone
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.servers import SESSION_REDIS_DATABASE


@pytest.fixture(scope="session")
def shared(
    servers: EmbeddedServices,
    template_urls: DatabaseUrls,
    portal: BlockingPortal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Installation]:
    """An API, a scheduler, and an agent in the default pool, for the session."""
    redis_url = f"{servers.redis_url.rpartition('/')[0]}/{SESSION_REDIS_DATABASE}"
    with (
        clone(template_urls, portal) as urls,
        Installation(tmp_path_factory.mktemp("shared"), urls, redis_url) as installation,
    ):
        portal.call(installation.make_tenant)
        installation.start_scheduler()
        installation.start_api()
        wait_online(installation.start_agent())
        yield installation


@pytest.fixture
async def journey(shared: Installation, tmp_path: Path) -> AsyncGenerator[Journey]:
    """A way through the installation, with an agent that is there already."""
    journey = await set_out(shared, tmp_path, pool="default")
    yield journey
    await journey.close()


@pytest.fixture
async def lonely(
    shared: Installation, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncGenerator[Journey]:
    """A way through the installation with a pool of its own that no agent serves."""
    pool = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-40:].strip("-")
    journey = await set_out(shared, tmp_path, pool=pool)
    yield journey
    await journey.close()
