"""Runs that go on where they failed, or left, with the results that they kept; real processes."""

from typing import Any

import pytest

from headgate.api import flow_runs, pauses, task_runs
from tests.e2e.test_pauses import waiting
from tests.fixtures.journeys import FLOWS, Journey

AGAIN = FLOWS.with_name("user_flows_again.py")

PREVIEW = """
query RetryPreview($id: ID!) { flowRun(id: $id) { retryPreview(fromFailed: true) {
  reusedCount againCount tasks { taskRun { name } reused reason }
} } }
"""

START_NOW = """
mutation StartNow($input: RunSetStateInput!) { flowRunSetState(input: $input) { accepted } }
"""


async def rows(journey: Journey, run_id: str) -> list[tuple[str, str]]:
    """Return the task runs of a run, each with its state, in the order in which they were made."""
    found = await journey.records.rows(
        "select name, state_name from task_runs where flow_run_id = $1 order by id",
        journey.run_uuid(run_id),
    )
    return [(row["name"].rpartition("-")[0], row["state_name"]) for row in found]


async def task_run_of(journey: Journey, run_id: str, task_key: str) -> str:
    """Return the one task run of a task."""
    organization, _, workspace = journey.installation.workspace.partition("/")
    page = await task_runs.list_task_runs(
        journey.transport,
        organization=organization,
        workspace=workspace,
        filter={"flowRunId": {"eq": run_id}},
    )
    (found,) = [run.id for run in page.items if run.task_key == task_key]
    return found


def times(journey: Journey, run_id: str, *what: str) -> list[int]:
    """Return how often tasks were done."""
    return [len(journey.executions(run_id, one)) for one in what]


async def test_rerun_from_failed_does_only_what_failed(journey: Journey) -> None:
    run_id = await journey.start(await journey.deploy("breaks", file=AGAIN))
    assert await journey.records.ended(run_id) == "Failed"
    answer: dict[str, Any] = await journey.transport.execute(
        PREVIEW, {"id": run_id}, operation="RetryPreview"
    )
    journey.open("mended")

    await flow_runs.retry(journey.transport, flow_run_id=run_id, from_failed=True)

    assert await journey.records.ended(run_id) == "Completed"
    preview = answer["flowRun"]["retryPreview"]
    assert (preview["reusedCount"], preview["againCount"]) == (3, 1)
    assert times(journey, run_id, "extract", "draw", "load") == [1, 2, 2]
    assert await rows(journey, run_id) == [
        ("extract", "Completed"),
        ("draw", "Completed"),
        ("draw", "Completed"),
        ("load", "Failed"),
        ("extract", "Cached"),
        ("draw", "Cached"),
        ("draw", "Cached"),
        ("load", "Completed"),
    ]
    # What was drawn is what was drawn before: the result says so.
    assert len(journey.executions(run_id, "same")) == 1


async def test_rerun_from_failed_reuses_subflows(journey: Journey) -> None:
    run_id = await journey.start(await journey.deploy("breaks_after_parts", file=AGAIN))
    assert await journey.records.ended(run_id) == "Failed"
    answer: dict[str, Any] = await journey.transport.execute(
        PREVIEW, {"id": run_id}, operation="RetryPreview"
    )
    journey.open("mended")

    await flow_runs.retry(journey.transport, flow_run_id=run_id, from_failed=True)

    assert await journey.records.ended(run_id) == "Completed"
    preview = answer["flowRun"]["retryPreview"]
    assert [one["reason"] for one in preview["tasks"]] == [
        "COMPLETED",
        "COMPLETED",
        "NOT_COMPLETED",
    ]
    assert times(journey, run_id, "load", "same") == [2, 1]
    assert [state for _, state in await rows(journey, run_id)][3:] == [
        "Cached",
        "Cached",
        "Completed",
    ]
    children = await journey.records.rows(
        "select id from flow_runs where root_run_id = $1 and id <> $1", journey.run_uuid(run_id)
    )
    assert len(children) == 2


async def test_whole_rerun_does_everything(journey: Journey) -> None:
    run_id = await journey.start(await journey.deploy("breaks", file=AGAIN))
    assert await journey.records.ended(run_id) == "Failed"
    journey.open("mended")

    await journey.retry(run_id)

    assert await journey.records.ended(run_id) == "Completed"
    assert times(journey, run_id, "extract", "draw", "load") == [2, 4, 2]


async def test_chosen_task_takes_along_what_depends_on_it(journey: Journey) -> None:
    run_id = await journey.start(await journey.deploy("breaks", file=AGAIN))
    assert await journey.records.ended(run_id) == "Failed"
    journey.open("mended")
    extract = await task_run_of(journey, run_id, "extract")

    await flow_runs.retry(journey.transport, flow_run_id=run_id, from_task_run_ids=[extract])

    assert await journey.records.ended(run_id) == "Completed"
    assert times(journey, run_id, "extract", "draw", "load") == [2, 2, 2]


async def test_suspended_run_comes_back_to_its_results(journey: Journey) -> None:
    run_id = await journey.start(await journey.deploy("asks_between", file=AGAIN))
    await waiting(journey, run_id, "Suspended")

    await pauses.resume(journey.transport, flow_run_id=run_id, input={"value": 1})

    assert await journey.records.ended(run_id) == "Completed"
    assert times(journey, run_id, "extract", "load") == [1, 1]
    assert [state for _, state in await rows(journey, run_id)] == [
        "Completed",
        "Cached",
        "Completed",
    ]


@pytest.mark.parametrize("is_whole", [True, False])
async def test_what_is_approved_again_is_done_again(journey: Journey, *, is_whole: bool) -> None:
    run_id = await journey.start(await journey.deploy("asks_first", file=AGAIN))
    await waiting(journey, run_id, "Suspended")
    await pauses.resume(journey.transport, flow_run_id=run_id)
    assert await journey.records.ended(run_id) == "Failed"
    journey.open("mended")
    chosen = [] if is_whole else [await task_run_of(journey, run_id, "extract")]

    await flow_runs.retry(journey.transport, flow_run_id=run_id, from_task_run_ids=chosen)
    await waiting(journey, run_id, "Suspended")
    await pauses.resume(journey.transport, flow_run_id=run_id)

    assert await journey.records.ended(run_id) == "Completed"
    assert times(journey, run_id, "extract", "load") == [2, 2]


async def test_retry_after_long_gives_the_process_back(lonely: Journey) -> None:
    agent = lonely.installation.start_agent(
        pool=lonely.pool,
        name="one-at-a-time",
        limit=1,
        HEADGATE_RESCHEDULE_RETRIES_AFTER_SECONDS="60",
    )
    try:
        run_id = await lonely.start(await lonely.deploy("waits_for_long", file=AGAIN))
        await waiting(lonely, run_id, "AwaitingRetry")
        item = await lonely.records.item(run_id)
        meanwhile = await lonely.start(await lonely.deploy("quick"))
        between = await lonely.records.ended(meanwhile)
        lonely.open("mended")
        now = {"input": {"id": run_id, "state": {"type": "SCHEDULED"}}}
        await lonely.transport.execute(START_NOW, now, operation="StartNow")
        ended = await lonely.records.ended(run_id)
    finally:
        agent.stop()

    assert item is not None
    assert (item["phase"], between, ended) == ("READY", "Completed", "Completed")
    assert times(lonely, run_id, "extract", "load", "attempt:2") == [1, 2, 1]
    assert (await lonely.records.states(run_id))[2:] == [
        "Running",
        "AwaitingRetry",
        "Scheduled",
        "Pending",
        "Retrying",
        "Completed",
    ]
    (run,) = await lonely.records.rows(
        "select attempt, retries_used, infrastructure_attempts from flow_runs where id = $1",
        lonely.run_uuid(run_id),
    )
    assert tuple(run.values()) == (2, 1, 0)


async def test_runs_that_want_the_same_result_compute_it_once(journey: Journey) -> None:
    deployment = await journey.deploy("strict", file=AGAIN)
    runs = [await journey.start(deployment) for _ in range(3)]

    assert await journey.all_ended(runs) == ["Completed"] * 3

    lines = [line for run_id in runs for line in journey.executions(run_id, "computed")]
    assert len(lines) == 1
    found = await journey.records.rows(
        "select result from cache_records where key = $1", f"strict-{journey.folder.name}"
    )
    assert '"serializer": "pickle"' in found[0]["result"]
