"""Runs that wait: for their instant, for an agent, for a pause to end."""

from datetime import timedelta

from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import Journey


async def test_a_run_without_an_agent_is_late_with_the_cause_and_runs_when_one_comes(
    lonely: Journey,
) -> None:
    run_id = await lonely.run("quick", late_threshold="PT1S")

    async def is_late() -> bool:
        return (await lonely.records.run(run_id))["state_name"] == "Late"

    await eventually(is_late, what="lateness")
    late = await lonely.records.run(run_id)
    assert late["late_cause"] == "NO_AGENT"
    with lonely.installation.start_agent(pool=lonely.pool):
        assert await lonely.records.ended(run_id) == "Completed"
    assert await lonely.records.states(run_id) == [
        "Scheduled",
        "Late",
        "Pending",
        "Running",
        "Completed",
    ]


async def test_nothing_of_a_paused_deployment_starts_until_it_goes_on(journey: Journey) -> None:
    deployment = await journey.deploy("quick")
    await journey.pause(deployment, is_paused=True)
    paused = await journey.start(deployment)
    other = await journey.run("held")
    await journey.executed(other)
    assert (await journey.records.run(paused))["state_type"] == "SCHEDULED"
    assert journey.executions(paused) == []

    await journey.pause(deployment, is_paused=False)
    journey.open()

    assert await journey.all_ended([paused, other]) == ["Completed", "Completed"]


async def test_nothing_of_a_paused_pool_starts_until_it_goes_on(lonely: Journey) -> None:
    await lonely.pause_pool(is_paused=True)
    run_id = await lonely.run("quick", late_threshold="PT1S")
    agent = lonely.installation.start_agent(pool=lonely.pool)

    async def is_late() -> bool:
        return (await lonely.records.run(run_id))["state_name"] == "Late"

    await eventually(is_late, what="lateness")
    assert (await lonely.records.run(run_id))["late_cause"] == "PAUSED"
    assert lonely.executions(run_id) == []

    await lonely.pause_pool(is_paused=False)

    assert await lonely.records.ended(run_id) == "Completed"
    assert agent.stop() == 0


async def test_an_interval_schedule_fires_and_its_runs_complete(journey: Journey) -> None:
    every = {"slug": "often", "spec": {"interval": {"every": "PT1S"}}}
    deployment = await journey.deploy("quick", schedules=[every])

    fires = await journey.fires(deployment, count=3)

    assert await journey.all_ended([fire.run_id for fire in fires[:3]]) == ["Completed"] * 3
    await journey.pause(deployment, is_paused=True)
    instants = [fire.at for fire in fires[:3]]
    assert instants == [instants[0] + timedelta(seconds=turn) for turn in range(3)]
    for fire in fires[:3]:
        (execution,) = journey.executions(fire.run_id)
        assert 0 <= execution.at - fire.at.timestamp() < 2


async def test_a_cron_schedule_makes_its_runs_ahead_of_their_instants(journey: Journey) -> None:
    minutely = {"slug": "minutely", "spec": {"cron": {"cron": "* * * * *"}}}
    deployment = await journey.deploy("quick", schedules=[minutely])
    (stored,) = await journey.records.rows(
        "select next_fire_at from schedules where deployment_id = $1", journey.uuid(deployment)
    )
    soon = stored["next_fire_at"]

    # The test cannot wait for the minute to end: the run's instant comes to it.
    await journey.records.rows(
        "update schedules set next_fire_at = date_trunc('minute', now()) where deployment_id = $1",
        journey.uuid(deployment),
    )
    (fire, *_) = await journey.fires(deployment, count=1)

    assert (soon.second, soon.microsecond) == (0, 0)
    assert fire.at.second == 0
    assert await journey.records.ended(fire.run_id) == "Completed"
