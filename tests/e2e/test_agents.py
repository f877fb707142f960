"""Agents as processes: cold and warm, alone and together, coming and going."""

import re
import signal
from collections import Counter
from datetime import timedelta

from tests.client.cli.commands import Done, headgate
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import wait_online
from tests.fixtures.journeys import Journey


async def test_a_cold_agent_runs_flows_in_fresh_interpreters(lonely: Journey) -> None:
    agent = lonely.installation.start_agent(pool=lonely.pool, is_cold=True)

    run_ids = [await lonely.run("quick"), await lonely.run("killed")]

    assert await lonely.all_ended(run_ids) == ["Completed", "Crashed"]
    assert agent.stop() == 0


async def test_two_agents_share_the_runs_of_a_pool(lonely: Journey) -> None:
    deployment = await lonely.deploy("held")
    agents = [
        lonely.installation.start_agent(pool=lonely.pool, name=name, limit=2)
        for name in ("one", "two")
    ]
    for agent in agents:
        wait_online(agent)

    run_ids = [await lonely.start(deployment) for _ in range(5)]
    for run_id in run_ids[:4]:
        await lonely.executed(run_id)
    busy = await lonely.records.rows(
        "select session_id from work_items where phase = 'RUNNING' and work_pool_id = "
        "(select id from work_pools where name = $1)",
        lonely.pool,
    )
    lonely.open()

    assert sorted(Counter(row["session_id"] for row in busy).values()) == [2, 2]
    assert await lonely.all_ended(run_ids) == ["Completed"] * 5
    assert all(len(lonely.executions(run_id)) == 1 for run_id in run_ids)
    assert [agent.stop() for agent in agents] == [0, 0]


async def test_an_agent_that_is_told_to_end_finishes_its_run_and_takes_no_other(
    lonely: Journey,
) -> None:
    agent = lonely.installation.start_agent(pool=lonely.pool)
    deployment = await lonely.deploy("held")
    first = await lonely.start(deployment)
    await lonely.executed(first)

    agent.signal(signal.SIGTERM)
    await eventually(lambda: "Draining" in agent.log, what="the drain")
    second = await lonely.start(deployment)
    lonely.open()

    assert await lonely.records.ended(first) == "Completed"
    assert agent.wait() == 0
    assert lonely.executions(second) == []
    with lonely.installation.start_agent(pool=lonely.pool):
        assert await lonely.records.ended(second) == "Completed"


async def test_an_agent_that_comes_back_under_its_name_finds_what_waited_for_it(
    lonely: Journey,
) -> None:
    agent = lonely.installation.start_agent(pool=lonely.pool)
    first = await lonely.run("quick")
    await lonely.records.ended(first)
    assert agent.stop() == 0

    second = await lonely.run("quick")
    with lonely.installation.start_agent(pool=lonely.pool):
        assert await lonely.records.ended(second) == "Completed"

    agents = await lonely.records.rows(
        "select count(*) as size from agents join work_pools pool on pool.id = work_pool_id "
        "where pool.name = $1",
        lonely.pool,
    )
    assert agents[0]["size"] == 1
    assert len(lonely.executions(second)) == 1


async def test_an_idle_agent_keeps_its_session_by_heartbeats(lonely: Journey) -> None:
    lease = timedelta(seconds=float(lonely.installation.timers["HEADGATE_LEASE_SECONDS"]))
    with lonely.installation.start_agent(pool=lonely.pool) as agent:
        wait_online(agent)

        async def seen_for() -> timedelta:
            (session,) = await lonely.records.rows(
                "select last_seen_at - connected_at as seen_for from agent_sessions session "
                "join work_pools pool on pool.id = work_pool_id where pool.name = $1",
                lonely.pool,
            )
            return session["seen_for"]

        async def outlived_a_lease() -> bool:
            return await seen_for() > lease + timedelta(seconds=1)

        await eventually(outlived_a_lease, what="a session beyond its first lease")
        assert "registering again" not in agent.log


async def test_an_agent_is_told_that_its_pool_is_paused_and_that_it_goes_on(
    lonely: Journey,
) -> None:
    agent = lonely.installation.start_agent(pool=lonely.pool)
    wait_online(agent)

    await lonely.pause_pool(is_paused=True)
    await eventually(lambda: "Paused: The work pool is paused." in agent.log, what="the pause")
    run_id = await lonely.run("quick")
    await lonely.pause_pool(is_paused=False)

    assert await lonely.records.ended(run_id) == "Completed"
    await eventually(lambda: "Resumed" in agent.log, what="the end of the pause")
    await eventually(lambda: "Registering again" in agent.log, what="another look at the pool")
    assert agent.stop() == 0


async def test_an_agent_runs_with_the_key_of_its_pool_until_that_is_revoked(
    lonely: Journey,
) -> None:
    made = command(lonely, "create", "agents", "--work-pool", lonely.pool)
    (id_,) = re.findall(r"\((key_\w+)\)", made.err)
    agent = lonely.installation.start_agent(pool=lonely.pool, key=made.out.strip())

    first = await lonely.run("quick")
    assert await lonely.records.ended(first) == "Completed"
    listed = command(lonely, "list")
    revoked = command(lonely, "revoke", id_, "--yes")

    assert made.out.startswith("hg_agent_")
    assert [line.split()[3] for line in listed.out.splitlines() if id_ in line] == [lonely.pool]
    assert revoked.code == 0
    assert agent.wait() != 0, "nothing is left that it could do"


async def test_key_that_may_not_see_pools_knows_where_it_is_and_says_so(lonely: Journey) -> None:
    narrow = command(lonely, "create", "narrow", "--scope", "RUNS_READ").out.strip()

    environment = place_of(lonely) | {"HEADGATE_API_KEY": narrow}

    done = headgate("status", environment=environment)
    whose = headgate("whoami", environment=environment)
    places = headgate("workspaces", "list", environment=environment)

    assert done.code == 0, done.err
    assert "not shown: it takes the permission POOLS_READ" in done.out
    assert (whose.code, "narrow" in whose.out) == (0, True), whose.err
    assert (places.code, lonely.installation.workspace in places.out) == (0, True), places.err


def command(lonely: Journey, *arguments: str) -> Done:
    """Run ``headgate api-keys`` with the installation's own key."""
    return headgate("api-keys", *arguments, environment=place_of(lonely))


def place_of(lonely: Journey) -> dict[str, str]:
    """Return what a command of the installation's owner has in its environment."""
    installation = lonely.installation
    return {
        "HEADGATE_API_URL": installation.url,
        "HEADGATE_API_KEY": installation.api_key,
        "HEADGATE_WORKSPACE": installation.workspace,
    }
