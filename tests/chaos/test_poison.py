"""Runs that nobody survives and agents that take nothing, with real agents."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import TIMERS, Installation, wait_online
from tests.fixtures.journeys import FLOWS, Journey, set_out

DEADLY = FLOWS.with_name("user_flows_poison.py")
DELIVERIES, EXPIRED_OFFERS = 10, 5
SOON = {**TIMERS, "HEADGATE_SWEEP_SECONDS": "0.3"}
PATIENT = {
    **SOON,
    "HEADGATE_OFFER_TTL_SECONDS": "0.3",
    "HEADGATE_LEASE_SECONDS": "60",
    "HEADGATE_UNRESPONSIVE_AFTER_SECONDS": "60",
}
"""An agent that hangs is not lost before its offers have expired."""


@asynccontextmanager
async def journey_through(
    urls: DatabaseUrls, redis_url: str, folder: Path, timers: Mapping[str, str]
) -> AsyncGenerator[Journey]:
    with Installation(folder / "site", urls, redis_url, timers) as site:
        await site.make_tenant()
        site.start_scheduler()
        site.start_api()
        journey = await set_out(site, folder, pool="default")
        yield journey
        await journey.close()


async def paused_sessions(journey: Journey) -> list[tuple[str, str]]:
    rows = await journey.records.rows(
        "select payload->>'reason' as reason, resource->>'name' as name from events "
        "where name = 'agent.paused'"
    )
    return [(row["name"], row["reason"]) for row in rows]


@pytest.mark.timeout(180)
async def test_a_run_that_kills_every_agent_before_it_starts_is_crashed_after_ten(
    urls: DatabaseUrls, redis_url: str, tmp_path: Path
) -> None:
    timers = {**SOON, "HEADGATE_LEASE_SECONDS": "1"}
    async with journey_through(urls, redis_url, tmp_path, timers) as journey:
        run_id = await journey.run("deadly", file=DEADLY, on_agent_lost="RETRY", fence="PT6S")
        for _ in range(DELIVERIES):
            assert journey.installation.start_agent(is_cold=True).wait() == -9

        assert await journey.records.ended(run_id) == "Crashed"
        states = await journey.records.states(run_id)
        returned = ["Pending", "Scheduled"] * (DELIVERIES - 1)
        assert states == ["Scheduled", *returned, "Pending", "Crashed"]
        assert (await journey.records.message(run_id)).startswith(
            f"The run was offered {DELIVERIES} times and never started"
        )
        assert await journey.records.attempts(run_id) == []
        wait_online(journey.installation.start_agent(is_cold=True))
        assert await journey.records.ended(await journey.run("quick")) == "Completed"


async def test_an_agent_that_takes_nothing_is_paused_after_five_offers_and_resumes_by_itself(
    urls: DatabaseUrls, redis_url: str, tmp_path: Path
) -> None:
    async with journey_through(urls, redis_url, tmp_path, PATIENT) as journey:
        agent = journey.installation.start_agent()
        wait_online(agent)
        agent.freeze()
        run_id = await journey.run("quick")

        await eventually(lambda: paused_sessions(journey), within_seconds=30, what="The pause")

        ((name, reason),) = await paused_sessions(journey)
        item = await journey.records.item(run_id)
        assert (name, item and item["deliveries"]) == ("agent", EXPIRED_OFFERS)
        assert reason.startswith(f"It left {EXPIRED_OFFERS} offers in a row unclaimed")
        agent.thaw()
        assert await journey.records.ended(run_id) == "Completed"
        assert len(journey.executions(run_id)) == 1
