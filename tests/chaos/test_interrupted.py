"""A run that is told to stop at the very moment at which a flow inside it begins."""

import os
import signal

import pytest

from tests.chaos.fault_points import owner_of
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey
from tests.fixtures.proxy import Link, Moment, Protocol, Proxy, Trap


def stop_at_the_inner_start(link: Link) -> Trap:
    """Have SIGTERM reach a run as it proposes that the flow inside it is running."""

    def stop(client_port: int) -> bool:
        pid = owner_of(client_port)
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        return True

    def prepare(_client_port: int) -> bool:
        link.trap(last)
        return False

    last = Trap("FlowRunSetState", Moment.BEFORE, stop)
    link.trap(Trap("FlowRunBegin", Moment.AFTER, prepare))
    return last


@pytest.mark.e2e
async def test_a_flow_that_begins_inside_a_cancelled_run_ends_with_it(
    site: Installation, journey: Journey
) -> None:
    with Proxy() as proxy:
        link = proxy.link("agent", site.apis[0].port, protocol=Protocol.HTTP)
        wait_online(site.start_agent(url=f"http://127.0.0.1:{link.port}"))
        trap = stop_at_the_inner_start(link)

        run_id = await journey.run("around")
        await eventually(trap.closed.is_set, within_seconds=30, what="SIGTERM")

        assert await journey.records.ended(run_id) == "Cancelled"
        inner = "select state_name, (select count(*) from work_items) as items from flow_runs "
        (row,) = await journey.records.rows(inner + "where parent_task_run_id is not null")
        assert dict(row) == {"state_name": "Cancelled", "items": 0}
