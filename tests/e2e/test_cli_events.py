"""Events on the command line, against a real server."""

import json
from collections.abc import Generator

import pytest

from tests.e2e.dev_server import DevServer, dev_server
from tests.fixtures.deadlines import eventually_sync

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    with dev_server(tmp_path_factory.mktemp("events")) as server:
        yield server


def test_events_are_watched_as_they_happen_and_listed_afterwards(server: DevServer) -> None:
    with server.start(
        *("events", "watch", "--event", "work_pool.*", "--from-oldest", "-o", "json"), name="watch"
    ) as watch:
        eventually_sync(lambda: "work_pool.created" in watch.log, what="The default pool")
        made = server.here("work-pools", "create", "fast")
        eventually_sync(lambda: '"fast"' in watch.log, what="The new pool")
        lines = [json.loads(line) for line in watch.log.splitlines() if line.startswith("{")]
    listed = server.read("events", "list", "--event", "work_pool.*", "--since", "1h")
    none = server.read("events", "list", "--event", "work_pool.deleted")
    wrong = server.here("events", "list", "--event", "a*b")

    assert made.code == 0
    assert [line["resource"]["name"] for line in lines] == ["default", "fast"]
    assert [event["event"] for event in listed] == ["work_pool.created"] * 2
    assert [event["id"] for event in listed] == [line["id"] for line in reversed(lines)]
    assert none == []
    assert wrong.code == 2
