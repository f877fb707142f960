"""A pool of more queues than a page of them: the last is found as the first is."""

import json

import pytest

from headgate.api import configurations
from headgate.api.transport import SyncTransport
from tests.e2e.dev_server import DevServer

POOL, LAST = "wide", "queue-104"


@pytest.fixture(scope="module")
def wide_server(cli_server: DevServer) -> DevServer:
    """Return the server once its pool ``wide`` has 106 queues, with ``default``."""
    pool = cli_server.read("work-pools", "create", POOL)
    transport = SyncTransport(cli_server.url, cli_server.api_key)
    for number in range(105):
        queue = {"workPoolId": pool["id"], "name": f"queue-{number:03}", "priority": number + 1}
        transport.call(configurations.put_work_queue, input=queue)
    return cli_server


@pytest.mark.e2e
def test_all_queues_of_a_pool_are_listed_in_the_order_in_which_they_are_served(
    wide_server: DevServer,
) -> None:
    found = wide_server.read("work-queues", "list", POOL)

    priorities = [queue["priority"] for queue in found]
    assert len(found) == 106
    assert priorities == sorted(priorities)


@pytest.mark.e2e
def test_last_queue_of_many_is_paused_deployed_to_and_kept(wide_server: DevServer) -> None:
    place = {"name": POOL, "work_queue_name": LAST}
    deployment = {"name": "late", "entrypoint": "flows.py:pipeline", "work_pool": place}
    file = wide_server.folder / "wide.yaml"
    file.write_text(json.dumps({"deployments": [deployment]}))

    paused = wide_server.here("work-queues", "pause", POOL, LAST)
    found = wide_server.here("check", str(file), "-o", "json")
    kept = wide_server.here("export", "--only", "work-pools")

    assert paused.code == 0, paused.err
    assert json.loads(found.out) == []
    assert LAST in kept.out
