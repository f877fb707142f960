"""Runs of every kind through an API, a scheduler and an agent, each a process of its own."""

import pytest

from headgate.api import flow_runs, logs
from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import Journey

BEGUN = ["Scheduled", "Pending", "Running"]


async def test_a_run_completes_with_its_whole_history(journey: Journey) -> None:
    run_id = await journey.run("quick")

    assert await journey.records.ended(run_id) == "Completed"
    assert await journey.records.states(run_id) == [*BEGUN, "Completed"]
    assert await journey.records.task_states(run_id) == {"Completed": 1}
    assert len(journey.executions(run_id)) == 1


async def test_a_run_can_be_followed_to_its_end(journey: Journey) -> None:
    run_id = await journey.run("quick")
    seen: list[str] = []
    tasks: set[str] = set()

    async for update in flow_runs.updates(journey.transport, flow_run_id=run_id):
        seen += [state.name for state in update.states]
        tasks |= {task.task_key for task in update.task_runs}

    assert seen == [*BEGUN, "Completed"]
    assert len(tasks) == 1


async def test_a_task_that_fails_is_tried_again_inside_one_attempt(journey: Journey) -> None:
    run_id = await journey.run("with_flaky_task")

    assert await journey.records.ended(run_id) == "Completed"
    assert len(journey.executions(run_id, "task")) == 3
    assert await journey.records.states(run_id) == [*BEGUN, "Completed"]
    assert await journey.records.task_states(run_id) == {"Completed": 1}


async def test_a_flow_that_fails_is_tried_again_under_the_same_lease(journey: Journey) -> None:
    run_id = await journey.run("fails_once")

    assert await journey.records.ended(run_id) == "Completed"
    assert await journey.records.states(run_id) == [
        *BEGUN,
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]
    first, second = journey.executions(run_id)
    assert (first.epoch, first.pid) == (second.epoch, second.pid)


async def test_a_failed_run_shows_its_reason_and_traceback(journey: Journey) -> None:
    run_id = await journey.run("fails")

    assert await journey.records.ended(run_id) == "Failed"
    run = await flow_runs.get(journey.transport, flow_run_id=run_id)
    assert run.state.message == "ValueError: the reason is plain to see"
    error = run.state.details["error"]
    assert error["type"] == "ValueError"
    assert 'raise ValueError("the reason is plain to see")' in error["traceback"]


async def test_a_run_that_takes_too_long_is_timed_out(journey: Journey) -> None:
    run_id = await journey.run("too_slow")

    assert await journey.records.ended(run_id) == "TimedOut"
    assert (await journey.records.run(run_id))["state_type"] == "FAILED"
    assert len(journey.executions(run_id)) == 1


@pytest.mark.parametrize(
    ("flow", "how"),
    [
        ("exits", "ended with exit code 3"),
        ("slips_away", "ended with exit code 0"),
        ("killed", "was killed by SIGKILL"),
    ],
)
async def test_a_crash_is_told_apart_from_a_failure(journey: Journey, flow: str, how: str) -> None:
    run_id = await journey.run(flow)

    assert await journey.records.ended(run_id) == "Crashed"
    assert how in await journey.records.message(run_id)
    assert await journey.records.states(run_id) == [*BEGUN, "Crashed"]
    assert len(journey.executions(run_id)) == 1


async def test_output_and_log_arrive_whole_and_in_order(journey: Journey) -> None:
    run_id = await journey.run("talks", parameters={"count": 300})
    await journey.records.ended(run_id)

    async def is_whole() -> bool:
        lines = await journey.logged(run_id)
        return ("stderr", "err 299") in lines and ("stdout", "out 299") in lines

    await eventually(is_whole, within_seconds=5, what="the whole log")
    lines = await journey.logged(run_id)

    for kind, source in (("out", "stdout"), ("err", "stderr"), ("log", "headgate.flow_runs")):
        said = [line for line in lines if line[1].startswith(f"{kind} ")]
        assert said == [(source, f"{kind} {number}") for number in range(300)]


async def test_who_follows_the_log_sees_the_last_line_that_was_printed(journey: Journey) -> None:
    run_id = await journey.run("talks", parameters={"count": 300})

    lines = [
        line.message
        async for batch in logs.tail(journey.transport, flow_run_id=run_id)
        for line in batch.lines
    ]

    for kind in ("out", "err", "log"):
        said = [line for line in lines if line.startswith(f"{kind} ")]
        assert said == [f"{kind} {number}" for number in range(300)]


async def test_cancelling_reaches_user_code_and_ends_the_run(journey: Journey) -> None:
    run_id = await journey.run("cleans_up")
    await journey.executed(run_id)

    await journey.cancel(run_id)

    assert await journey.records.ended(run_id) == "Cancelled"
    assert await journey.records.states(run_id) == [*BEGUN, "Cancelling", "Cancelled"]
    assert len(journey.executions(run_id, "cleaned")) == 1


async def test_a_coroutine_is_cancelled_as_well(journey: Journey) -> None:
    run_id = await journey.run("waits_async")
    await journey.executed(run_id)

    await journey.cancel(run_id)

    assert await journey.records.ended(run_id) == "Cancelled"


async def test_a_stubborn_process_is_killed_after_its_grace(journey: Journey) -> None:
    run_id = await journey.run("stubborn")
    await journey.executed(run_id)

    await journey.cancel(run_id, grace_seconds=1)

    assert await journey.records.ended(run_id) == "Cancelled"
    message = await journey.records.message(run_id)
    assert message == "Cancelled; its process did not stop within 1 s and was killed."


async def test_a_cancel_that_is_asked_for_anew_ends_sooner(journey: Journey) -> None:
    run_id = await journey.run("stubborn")
    await journey.executed(run_id)
    await journey.cancel(run_id, grace_seconds=600)
    assert (await journey.records.states(run_id))[-1] == "Cancelling"

    await journey.cancel(run_id, grace_seconds=1)

    assert await journey.records.ended(run_id) == "Cancelled"
    message = await journey.records.message(run_id)
    assert message == "Cancelled; its process did not stop within 1 s and was killed."


async def test_an_entrypoint_that_is_not_there_crashes_the_run_with_the_reason(
    journey: Journey,
) -> None:
    run_id = await journey.run("no_such_flow")

    assert await journey.records.ended(run_id) == "Crashed"
    assert "no_such_flow" in await journey.records.message(run_id)
