"""What runs that an agent starts know of themselves, through a real server and a real agent."""

from datetime import UTC, datetime

import pytest

from headgate.api import flow_runs
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
