"""Health and figures of real processes: on the API's port, and on a port of their own."""

import json
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.fixtures import redis_client
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation, free_port
from tests.fixtures.sql import query

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


async def test_a_scheduler_answers_on_a_port_of_its_own_and_is_woken_by_others(
    site: Installation, redis_url: str
) -> None:
    port = free_port()
    scheduler = site.start_scheduler(
        HEADGATE_HEALTH_PORT=str(port),
        HEADGATE_SILENCE_SECONDS="0.0001",
        HEADGATE_REDIS_PREFIX="of-one",
    )
    url = f"http://127.0.0.1:{port}"

    await eventually(lambda: get(f"{url}/healthz/ready")[0] == 200, within_seconds=20)
    await eventually(lambda: "headgate_loop_seconds_count" in get(f"{url}/metrics")[1])

    status, body = get(f"{url}/healthz/live")
    assert status == 503
    assert "scheduler has not come round for" in json.loads(body)["reasons"][0]
    with redis_client.connect(redis_url) as redis:
        heard = {bytes(name).rpartition(b":")[2] for name in redis.pubsub_channels("of-one:*")}
    assert heard >= {b"scheduler", b"outbox"}
    assert scheduler.stop() == 0


async def test_a_scheduler_is_live_until_a_loop_of_it_fails_for_too_long(
    site: Installation, urls: DatabaseUrls
) -> None:
    port = free_port()
    site.start_scheduler(
        HEADGATE_HEALTH_PORT=str(port), HEADGATE_SILENCE_SECONDS="15", HEADGATE_SWEEP_SECONDS="1"
    )
    url = f"http://127.0.0.1:{port}"
    quotas = 'headgate_loop_seconds_count{loop="quotas"}'
    await eventually(lambda: quotas in get(f"{url}/metrics")[1], within_seconds=30)
    assert get(f"{url}/healthz/live") == (200, '{"status":"ok","reasons":[]}')

    await query(urls.owner, "alter table object_counts rename to moved_counts")
    await eventually(lambda: get(f"{url}/healthz/live")[0] == 503, within_seconds=60)

    (reason,) = json.loads(get(f"{url}/healthz/live")[1])["reasons"]
    assert reason.startswith("The quotas loop has failed ")
    assert 'headgate_loop_failures_total{loop="quotas"}' in get(f"{url}/metrics")[1]
    await query(urls.owner, "alter table moved_counts rename to object_counts")
    await eventually(lambda: get(f"{url}/healthz/live")[0] == 200, within_seconds=30)
