"""What runs that an agent starts know of themselves, through a real server and a real agent."""

from datetime import UTC, datetime

import pytest

from headgate.api import flow_runs
from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import FLOWS, Journey

pytestmark = pytest.mark.e2e

GIVEN = FLOWS.with_name("user_flows_given.py")


def told(journey: Journey, what: str) -> str:
    return (journey.folder / what).read_text()


async def test_a_late_run_is_named_by_its_flow_and_knows_when_it_was_due(journey: Journey) -> None:
    due = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    deployment = await journey.deploy("dated", file=GIVEN)

    run_id = await journey.start(deployment, expected_start=due)
    assert await journey.records.ended(run_id) == "Completed"
    first = told(journey, "dated")
    (journey.folder / "dated").unlink()
    await journey.retry(run_id)
    assert await journey.records.ended(run_id) == "Completed"

    run = await flow_runs.get(journey.transport, flow_run_id=run_id)
    assert run.name == "load-2026-03-04"
    assert first == f"load-2026-03-04 {due.isoformat()}"
    assert told(journey, "dated") == first


async def test_a_name_that_somebody_gave_stays(journey: Journey) -> None:
    deployment = await journey.deploy("dated", file=GIVEN)

    run_id = await journey.start(deployment, name="mine")
    assert await journey.records.ended(run_id) == "Completed"

    run = await flow_runs.get(journey.transport, flow_run_id=run_id)
    assert run.name == "mine"
    assert told(journey, "dated").startswith("mine ")


async def test_the_hooks_of_a_killed_run_are_called_by_its_agent(journey: Journey) -> None:
    deployment = await journey.deploy("dies", file=GIVEN, env={"OF_THE_JOB": "blue"})

    run_id = await journey.start(deployment)
    assert await journey.records.ended(run_id) == "Crashed"

    assert told(journey, "hooked") == "dies 2026-03-04 Crashed blue\n"
    assert "killed by SIGKILL" in await journey.records.message(run_id)
    lines = await journey.logged(run_id)
    assert ("headgate.flow_runs", "hook: dies 2026-03-04 Crashed blue") in lines


async def test_the_hooks_of_a_run_that_clings_are_called_by_its_agent(journey: Journey) -> None:
    run_id = await journey.run("clings", file=GIVEN)
    await eventually((journey.folder / "clinging").exists, within_seconds=30, what="user code")

    await journey.cancel(run_id, grace_seconds=1)
    assert await journey.records.ended(run_id) == "Cancelled"

    assert told(journey, "hooked") == "clings 2026-03-04 Cancelled \n"


async def test_the_hooks_that_a_run_called_itself_are_not_called_again(journey: Journey) -> None:
    run_id = await journey.run("gives_in", file=GIVEN)
    await eventually((journey.folder / "clinging").exists, within_seconds=30, what="user code")

    await journey.cancel(run_id)
    assert await journey.records.ended(run_id) == "Cancelled"

    assert told(journey, "hooked") == "gives-in 2026-03-04 Cancelled \n"


async def test_a_run_reads_what_another_that_it_started_kept(journey: Journey) -> None:
    name = journey.folder.name
    for flow in ("keeps", "keeps_not"):
        await journey.deploy(flow, file=GIVEN)
    names = {"kept": f"keeps/{name}", "left": f"keeps_not/{name}"}

    run_id = await journey.run("reads", file=GIVEN, parameters=names)
    assert await journey.records.ended(run_id, within_seconds=60) == "Completed"

    assert told(journey, "found") == "{'x': 8, 'left': 'missing'}"
