"""What the template of a work pool says arrives in the process of the flow."""

import json
from typing import Any

import pytest

from tests.fixtures.journeys import FLOWS, Journey

pytestmark = pytest.mark.e2e

FILE = FLOWS.with_name("user_flows_pools.py")


def of_pool(text: str) -> dict[str, Any]:
    default = dict.fromkeys(("POOL", "DEPLOYMENT", "RUN"), text)
    return {
        "variables": {
            "type": "object",
            "properties": {
                "env": {"type": "object", "default": default},
                "team": {"type": "string", "default": "data"},
            },
        },
        "job_configuration": {"env": {"FIXED": "of {{ team }}"}},
    }


async def looked_around(journey: Journey, run_id: str) -> dict[str, Any]:
    assert await journey.records.ended(run_id) == "Completed"
    return json.loads((journey.folder / f"around-{run_id}").read_text())


async def test_the_environment_of_the_pool_arrives_below_that_of_deployment_and_run(
    journey: Journey,
) -> None:
    await journey.set_template(of_pool("pool"))
    given = dict.fromkeys(("DEPLOYMENT", "RUN"), "deployment")
    deployment = await journey.deploy("looks_around", file=FILE, env=given)

    plain_id = await journey.start(deployment)
    run_id = await journey.start(deployment, job_variables={"env": {"RUN": "run"}, "team": "ml"})

    plain, own = await looked_around(journey, plain_id), await looked_around(journey, run_id)
    assert plain["env"] == {
        "POOL": "pool", "DEPLOYMENT": "deployment", "RUN": "deployment", "FIXED": "of data"
    }  # fmt: skip
    assert own["env"] == {
        "POOL": "pool", "DEPLOYMENT": "deployment", "RUN": "run", "FIXED": "of ml"
    }  # fmt: skip
    assert own["job_variables"]["env"]["POOL"] == "pool"
    assert own["job_variables"]["team"] == "ml"


async def test_a_run_that_waits_takes_the_template_of_its_claim(journey: Journey) -> None:
    await journey.set_template(of_pool("then"))
    await journey.pause_pool(is_paused=True)
    run_id = await journey.start(await journey.deploy("looks_around", file=FILE))
    await journey.set_template(of_pool("now"))
    await journey.pause_pool(is_paused=False)

    assert (await looked_around(journey, run_id))["env"]["POOL"] == "now"
