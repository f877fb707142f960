"""What carries an agent's work stream: each carrier alone, and each in place of a better one."""

import contextlib
import re
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from tests.fixtures.deadlines import eventually, eventually_sync
from tests.fixtures.installation import wait_online
from tests.fixtures.journeys import Journey
from tests.fixtures.leashed import Leashed

pytestmark = pytest.mark.e2e

CARRIERS = ("websocket", "sse", "poll")
TAKEN_OVER_SECONDS = 1.0


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_each_carrier_alone_brings_runs_and_cancels(lonely: Journey, carrier: str) -> None:
    agent = lonely.installation.start_agent(pool=lonely.pool, HEADGATE_AGENT_TRANSPORT=carrier)
    wait_online(agent)

    quick = await lonely.run("quick")
    held = await lonely.run("held")
    await lonely.executed(held)
    await lonely.cancel(held)

    assert await lonely.records.ended(quick) == "Completed"
    assert await lonely.records.ended(held) == "Cancelled"
    assert f"Waiting for runs over {carrier}" in agent.log
    assert agent.stop() == 0


async def test_a_stream_that_opens_anew_leaves_a_cancelled_run_the_grace_it_has(
    lonely: Journey,
) -> None:
    agent = lonely.installation.start_agent(pool=lonely.pool, HEADGATE_AGENT_TRANSPORT="poll")
    wait_online(agent)
    stubborn = await lonely.run("stubborn")
    await lonely.executed(stubborn)
    await lonely.cancel(stubborn, grace_seconds=600)
    await eventually(lambda: "600 s of grace" in agent.log, what="The cancel")

    for _ in range(2):  # Each poll opens the stream.
        assert await lonely.records.ended(await lonely.run("quick")) == "Completed"

    assert agent.log.count("s of grace") == 1
    assert (await lonely.records.states(stubborn))[-1] == "Cancelling"
    await lonely.cancel(stubborn, grace_seconds=0)
    assert await lonely.records.ended(stubborn) == "Cancelled"
    assert agent.stop() == 0


async def test_each_carrier_takes_over_from_the_one_above_and_hands_back(lonely: Journey) -> None:
    site = lonely.installation
    balancer = site.start_balancer()
    agent = site.start_agent(pool=lonely.pool, url=balancer.url, HEADGATE_AGENT_CLIMB_SECONDS="0.5")
    wait_online(agent)

    with switched(lonely, "websocket refuse"):
        taken_over(agent, "sse")
    await eventually(lambda: last_carrier(agent) == "websocket", what="The climb from sse")
    with switched(lonely, "websocket block", "sse refuse"):
        taken_over(agent, "poll")
        run_id = await lonely.run("quick")
        assert await lonely.records.ended(run_id) == "Completed"
    await eventually(lambda: last_carrier(agent) == "websocket", what="The climb from poll")

    assert len(lonely.executions(run_id)) == 1
    assert agent.stop() == 0


@contextlib.contextmanager
def switched(journey: Journey, *lines: str) -> Generator[None]:
    """Keep something from the agent during the block."""
    switch = journey.installation.switch
    switch.write_text("\n".join(lines))
    yield
    switch.unlink()


def last_carrier(agent: Leashed) -> str:
    return re.findall(r"Waiting for runs over (\w+)", agent.log)[-1]


def taken_over(agent: Leashed, carrier: str) -> None:
    """Return once a carrier has taken over; it may take a second from the break on."""
    eventually_sync(lambda: last_carrier(agent) == carrier, what=carrier)
    broke, arrived = re.findall(
        r"^(\S+) .*(?:The work stream broke|Waiting for runs)", agent.log, flags=re.MULTILINE
    )[-2:]
    assert seconds_of(arrived) - seconds_of(broke) <= TAKEN_OVER_SECONDS


def seconds_of(clock: str) -> float:
    return datetime.strptime(clock, "%H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
