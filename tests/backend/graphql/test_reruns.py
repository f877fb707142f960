"""Reruns through the API: previewed, with other parameters, and with the run's own tasks."""

from typing import Any

import pytest

from headgate_server.domain.ids import Kind, new_id
from tests.factories.estates import Estate
from tests.factories.mutations import mutate, task_report
from tests.fixtures.installations import shown

pytestmark = pytest.mark.anyio

RETRY = """mutation ($input: FlowRunRetryInput!) { flowRunRetry(input: $input) {
  flowRun { state { name details } parameters } errors { code path message } } }"""
PREVIEW = """query ($id: ID!, $ids: [ID!]) { flowRun(id: $id) {
  state { type } retryPreview(fromTaskRunIds: $ids) {
    tasks { taskRun { id } reused reason } reusedCount againCount } } }"""


async def claim_and_fail(estate: Estate) -> tuple[str, str]:
    """Have the offered run fail after one task; its id and the task's."""
    session = {"sessionId": estate.ids[Kind.AGENT_SESSION]}
    lease, agent = estate.offer, estate.agent
    run_id: str = lease["runId"]
    await mutate(agent, "runClaim", "run { id }", **session, lease=lease)
    running = {"id": run_id, "state": {"type": "RUNNING"}, "lease": lease}
    await mutate(estate.bound, "flowRunSetState", "accepted", **running)
    task_id = shown(Kind.TASK_RUN, new_id())
    await mutate(estate.bound, "taskRunSync", "accepted", **task_report(lease, task_id))
    failed = {"type": "FAILED"}
    await mutate(agent, "runRelease", "accepted", **session, lease=lease, finalState=failed)
    return run_id, task_id


async def retry(estate: Estate, **given: Any) -> dict[str, Any]:
    return (await estate.bound.execute(RETRY, input=given)).data["flowRunRetry"]


async def test_preview_says_what_is_done_again_and_why(estate: Estate) -> None:
    run_id, task_id = await claim_and_fail(estate)

    whole = (await estate.bound.execute(PREVIEW, id=run_id)).data["flowRun"]
    chosen = (await estate.bound.execute(PREVIEW, id=run_id, ids=[task_id])).data["flowRun"]

    assert whole["state"]["type"] == "FAILED"
    assert whole["retryPreview"] == {
        "tasks": [{"taskRun": {"id": task_id}, "reused": False, "reason": "WHOLE_RUN"}],
        "reusedCount": 0,
        "againCount": 1,
    }
    assert [task["reason"] for task in chosen["retryPreview"]["tasks"]] == ["CHOSEN"]


async def test_run_starts_again_with_other_parameters_and_its_state_says_how(
    estate: Estate,
) -> None:
    run_id, _ = await claim_and_fail(estate)

    again = await retry(estate, id=run_id, fromFailed=True, parameters={"n": 2})

    assert again["errors"] == []
    assert again["flowRun"]["parameters"]["n"] == 2
    assert again["flowRun"]["state"]["details"] == {
        "fromFailed": True,
        "fromTaskRunIds": [],
        "parameters": ["n"],
    }


async def test_task_of_another_tenant_is_refused_as_one_that_does_not_exist(
    estate: Estate, other_estate: Estate
) -> None:
    run_id, task_id = await claim_and_fail(estate)
    theirs = other_estate

    foreign = await retry(estate, id=run_id, fromTaskRunIds=[theirs.ids[Kind.TASK_RUN]])
    unknown = await retry(estate, id=run_id, fromTaskRunIds=[shown(Kind.TASK_RUN, new_id())])
    own = await retry(estate, id=run_id, fromTaskRunIds=[task_id])

    assert foreign == unknown
    assert [error["path"] for error in foreign["errors"]] == [["fromTaskRunIds"]]
    assert own["errors"] == []
