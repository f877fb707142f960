"""``run_deployment`` inside of runs of a real agent, and with a key outside of any."""

import asyncio
import json
from typing import Any

import pytest

from headgate.api import flow_runs
from headgate.deployments import run_deployment
from tests.fixtures.journeys import FLOWS, Journey

pytestmark = pytest.mark.e2e

STARTS = FLOWS.with_name("user_flows_starts.py")


def seen(journey: Journey) -> dict[str, Any]:
    return json.loads((journey.folder / "seen").read_text())


async def parent_of(journey: Journey, run_id: str) -> dict[str, Any] | None:
    rows = await journey.records.rows(
        "select parent.flow_run_id, parent.state_name, parent.name from flow_runs run "
        "join task_runs parent on parent.id = run.parent_task_run_id where run.id = $1",
        journey.run_uuid(run_id),
    )
    return dict(rows[0]) if rows else None


async def test_a_run_starts_what_its_deployment_names_and_waits_for_it(journey: Journey) -> None:
    name = journey.folder.name
    schema = {"type": "object", "properties": {"folder": {"type": "string"}}}
    await journey.deploy("takes", file=STARTS, parameter_schema=schema)
    await journey.deploy("quick")
    names = {"named": f"takes/{name}", "unnamed": f"quick/{name}"}

    run_id = await journey.run("starts", file=STARTS, parameters=names, starts=["takes/*"])
    assert await journey.records.ended(run_id) == "Completed"
    found = seen(journey)
    (waited, state), (left, _) = found["waited"], found["left"]

    assert found["own"] == run_id
    assert state == "Completed"
    assert (journey.folder / "told-made").exists()
    parent = await parent_of(journey, waited)
    assert parent is not None
    assert (parent["flow_run_id"], parent["state_name"]) == (journey.run_uuid(run_id), "Completed")
    assert parent["name"].startswith(f"takes/{name}-")
    assert await parent_of(journey, left) is None
    assert await journey.records.ended(left) == "Completed"
    for refused in (f"refused quick/{name}", "refused none/none"):
        assert "may not start it" in found[refused]
    assert "folder" in found["invalid"]


async def test_a_run_knows_what_started_it_and_where_its_page_is(journey: Journey) -> None:
    name = journey.folder.name
    names = {"named": f"takes/{name}", "unnamed": f"quick/{name}"}
    await journey.deploy("takes", file=STARTS)

    run_id = await journey.run("starts", file=STARTS, parameters=names, starts=["takes/*"])
    assert await journey.records.ended(run_id) == "Completed"
    waited = seen(journey)["waited"][0]
    known = json.loads((journey.folder / "told-made").read_text())

    around = await flow_runs.get(journey.transport, flow_run_id=run_id)
    assert around.deployment is not None
    assert (known["parent"], known["root"]) == (run_id, run_id)
    assert known["parent_deployment"] == around.deployment.id
    assert known["parent_task"].startswith("trun_")
    assert known["page"].endswith(f"/runs/{waited}")
    assert known["version"] == "1"
    assert known["flow"].startswith("flow_")
    assert (known["pool"], known["queue"]) == (journey.pool, "default")


async def test_a_coroutine_sees_how_the_other_run_failed(journey: Journey) -> None:
    await journey.deploy("fails")
    named = {"named": f"fails/{journey.folder.name}"}

    run_id = await journey.run("starts_async", file=STARTS, parameters=named)
    assert await journey.records.ended(run_id) == "Completed"
    found = seen(journey)

    assert [state for _, state in (found["first"], found["second"])] == ["Failed", "Failed"]
    assert found["first"][0] != found["second"][0]
    assert found["message"] == "ValueError: the reason is plain to see"
    parent = await parent_of(journey, found["second"][0])
    assert parent is not None
    assert parent["state_name"] == "Failed"


async def test_a_script_runs_a_deployment_with_its_key(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = journey.installation
    monkeypatch.setenv("HEADGATE_API_URL", installation.url)
    monkeypatch.setenv("HEADGATE_API_KEY", installation.api_key)
    monkeypatch.setenv("HEADGATE_WORKSPACE", installation.workspace)
    deployment = await journey.deploy("quick")

    by_name = await asyncio.to_thread(run_deployment, f"quick/{journey.folder.name}")
    by_id = await run_deployment(deployment.id, flow_run_name="mine", timeout=60)

    assert [run.state.name for run in (by_name, by_id)] == ["Completed", "Completed"]
    assert (by_id.name, by_id.deployment_id) == ("mine", deployment.id)
