"""Templates of work pools in the API: who may set one, and where a refusal points."""

from typing import Any

import pytest

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import OWNER_SCOPES, Scope
from tests.factories.blocks import refused
from tests.factories.estates import JOB_TEMPLATE, Estate
from tests.factories.mutations import mutate
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

TEMPLATE: dict[str, Any] = {
    "variables": {
        "type": "object",
        "properties": {
            "size": {"type": "integer"},
            "env": {"type": "object", "default": {"PYTHONPATH": "/theirs"}},
        },
    }
}


@pytest.mark.parametrize("lacking", [Scope.FLOWS_WRITE, Scope.RUNS_WRITE, Scope.BLOCKS_USE])
async def test_who_may_change_pools_and_not_what_runs_do_sets_no_template(
    estate: Estate, installation: Installation, lacking: Scope
) -> None:
    api = await installation.client(estate.tenant, scopes=OWNER_SCOPES - {lacking})
    pool = {"workspaceId": estate.ids[Kind.WORKSPACE], "name": "pool", "type": "process"}

    error = await refused(api, "workPoolUpsert", **pool, baseJobTemplate=TEMPLATE)
    limited = await mutate(
        api, "workPoolUpsert", "workPool { concurrencyLimit baseJobTemplate }", **pool,
        concurrencyLimit=7, baseJobTemplate=JOB_TEMPLATE,
    )  # fmt: skip

    assert error["code"] == "FORBIDDEN"
    assert lacking in error["message"]
    assert limited["workPool"] == {"concurrencyLimit": 7, "baseJobTemplate": JOB_TEMPLATE}


async def test_refusals_point_to_what_the_template_refuses_and_a_claim_holds_its_defaults(
    estate: Estate,
) -> None:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    pool = {**place, "name": "pool", "type": "process"}
    await mutate(estate.wide, "workPoolUpsert", "created", **pool, baseJobTemplate=TEMPLATE)
    deployment = {**place, "flowName": "etl", "name": "daily", "workPoolName": "pool"}

    shape = await refused(
        estate.wide, "workPoolUpsert", **pool, baseJobTemplate={"variables": {"image": "a"}}
    )
    deployed = await refused(
        estate.wide, "deploymentUpsert", **deployment, jobVariables={"size": "big"}
    )
    started = await refused(
        estate.wide, "flowRunCreate", **place, deploymentId=estate.ids[Kind.DEPLOYMENT],
        jobVariables={"size": "big"},
    )  # fmt: skip
    claimed = await mutate(
        estate.agent, "runClaim", "job", sessionId=estate.ids[ids.Kind.AGENT_SESSION],
        lease=estate.offer,
    )  # fmt: skip

    assert (shape["code"], shape["path"]) == ("INVALID", ["baseJobTemplate", "variables"])
    for error in (deployed, started):
        assert (error["code"], error["path"]) == ("INVALID", ["jobVariables", "size"])
    assert claimed["job"]["jobVariables"]["env"]["PYTHONPATH"] == "/theirs"
