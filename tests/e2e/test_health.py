"""Health and figures of real processes: on the API's port, and on a port of their own."""

import json
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation, free_port

pytestmark = pytest.mark.e2e

TOKEN = "what the scraper shows"


@pytest.fixture
async def site(urls: DatabaseUrls, redis_url: str, tmp_path: Path) -> AsyncGenerator[Installation]:
    with Installation(tmp_path, urls, redis_url) as installation:
        yield installation


def get(url: str, *, token: str | None = None) -> tuple[int, str]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  loopback
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


async def test_the_apis_port_tells_figures_only_to_who_shows_the_token(site: Installation) -> None:
    open_api = site.start_api()
    guarded = site.start_api(HEADGATE_METRICS_TOKEN=TOKEN, HEADGATE_LOG_FORMAT="json")

    assert get(f"{open_api.url}/metrics")[0] == 404
    assert get(f"{guarded.url}/metrics")[0] == 401
    status, figures = get(f"{guarded.url}/metrics", token=TOKEN)

    assert (status, "headgate_database_up 1.0" in figures) == (200, True)
    for line in guarded.process.log.splitlines():
        assert json.loads(line)["level"] == "INFO"


async def test_a_scheduler_answers_on_a_port_of_its_own(
    site: Installation,
) -> None:
    port = free_port()
    scheduler = site.start_scheduler(
        HEADGATE_HEALTH_PORT=str(port), HEADGATE_SILENCE_SECONDS="0.0001"
    )
    url = f"http://127.0.0.1:{port}"

    await eventually(lambda: get(f"{url}/healthz/ready")[0] == 200, within_seconds=20)
    await eventually(lambda: "headgate_loop_seconds_count" in get(f"{url}/metrics")[1])

    status, body = get(f"{url}/healthz/live")
    assert status == 503
    assert "scheduler has not come round for" in json.loads(body)["reasons"][0]
    assert scheduler.stop() == 0
