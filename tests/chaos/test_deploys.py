"""A deploy under a stream of runs: every server process is replaced, and nobody notices."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.traffic import traffic
from tests.fixtures.installation import Api, Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.load.figures import percentile

START_SECONDS = 1.0
"""What a restart may add to the time that a run waits for its start, for 95 of 100 runs."""
RUNS_BETWEEN = 8


async def restart(site: Installation, api: Api) -> None:
    """Replace a replica as a deploy does: SIGTERM, then a new process in its place."""
    assert api.process.stop() == 0
    site.start_api(port=api.port)


async def start_delays(journey: Journey, run_ids: Sequence[str]) -> list[float]:
    """Return how long each run waited from its creation until user code might start."""
    rows = await journey.records.rows(
        "select extract(epoch from min(states.timestamp) - run.created_at)::float8 as delay "
        "from flow_runs run join states on states.flow_run_id = run.id "
        "where states.type = 'RUNNING' and run.id = any($1) "
        "group by run.id, run.created_at order by run.created_at",
        [journey.run_uuid(run_id) for run_id in run_ids],
    )
    return [row["delay"] for row in rows]


async def test_restarts_of_replicas_fail_no_call_and_lose_no_offer(
    site: Installation, tmp_path: Path
) -> None:
    first, second = site.apis[0], site.start_api()
    site.url = site.start_balancer(first, second).url
    journey = await set_out(site, tmp_path, pool="default")
    old_scheduler = next(one for one in site.processes if one.name.startswith("scheduler"))
    agents = [site.start_agent(name=name) for name in ("one", "two")]
    for agent in agents:
        wait_online(agent)

    async with traffic(journey) as coming:
        await coming.grown(by=RUNS_BETWEEN)
        before = len(coming.run_ids)
        await restart(site, first)
        await coming.grown(by=RUNS_BETWEEN)
        await restart(site, second)
        site.start_scheduler()
        assert old_scheduler.stop() == 0
        await coming.grown(by=RUNS_BETWEEN)

    delays = await start_delays(journey, coming.run_ids)
    assert coming.refused == []
    assert len(delays) == len(coming.run_ids)
    usual = statistics.median(delays[before - RUNS_BETWEEN : before])
    added = [delay - usual for delay in delays[before:]]
    assert percentile(sorted(added), fraction=0.95) <= START_SECONDS
    events = await journey.records.rows(
        "select count(*) as size from events where name in ('agent.paused', 'flow_run.declined')"
    )
    assert events[0]["size"] == 0
    assert all("The work stream moves: DEPLOY" in agent.log for agent in agents)
    await journey.close()
