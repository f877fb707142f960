"""Runs that ask and wait, through an API, a scheduler and an agent, each a process of its own."""

import asyncio
import json
import time

import pytest

from headgate.api import flow_runs, pauses, run_inputs
from headgate.errors import InvalidInputError
from headgate.flow_runs import resume_flow_run, suspend_flow_run
from tests.client.cli.commands import Done, headgate
from tests.fixtures.deadlines import eventually
from tests.fixtures.journeys import FLOWS, Journey

PAUSING = FLOWS.with_name("user_flows_pausing.py")


async def waiting(journey: Journey, run_id: str, state: str) -> None:
    """Return once a run waits."""

    async def is_waiting() -> bool:
        return (await journey.records.run(run_id))["state_name"] == state

    await eventually(is_waiting, within_seconds=30, what=f"{run_id} is {state}")


async def start(journey: Journey, name: str) -> str:
    return await journey.start(await journey.deploy(name, file=PAUSING))


@pytest.mark.parametrize(
    ("name", "answer", "noted"),
    [
        ("asks", {"city": "Rome"}, "answered:Rome:2"),
        ("asks_async", {"value": "Rome"}, "answered:Rome"),
    ],
)
async def test_paused_process_is_woken_by_its_answer(
    journey: Journey, name: str, answer: dict[str, str], noted: str
) -> None:
    run_id = await start(journey, name)
    await waiting(journey, run_id, "Paused")

    with pytest.raises(InvalidInputError, match="This is required"):
        await pauses.resume(journey.transport, flow_run_id=run_id, input={})
    answered_at = time.time()
    await pauses.resume(journey.transport, flow_run_id=run_id, input=answer)
    execution = await journey.executed(run_id, noted)

    assert await journey.records.ended(run_id) == "Completed"
    assert execution.at - answered_at < 1.0
    assert await journey.records.states(run_id) == [
        "Scheduled",
        "Pending",
        "Running",
        "Paused",
        "Running",
        "Completed",
    ]
    assert len(await journey.records.attempts(run_id)) == 1


async def test_answer_that_only_the_code_can_judge_is_asked_for_again(journey: Journey) -> None:
    run_id = await start(journey, "asks")
    await waiting(journey, run_id, "Paused")

    await pauses.resume(journey.transport, flow_run_id=run_id, input={"city": "rome"})

    async def refusal() -> str | None:
        (row,) = await journey.records.rows(
            "select refusal from pauses where flow_run_id = $1", journey.run_uuid(run_id)
        )
        return row["refusal"]

    said = await eventually(refusal, within_seconds=30, what="the question")
    told = await command(journey, "pending")
    await pauses.resume(journey.transport, flow_run_id=run_id, input={"city": "Rome"})

    assert await journey.records.ended(run_id) == "Completed"
    assert said is not None
    assert said.startswith("city: ")
    assert said.splitlines()[0] in told.out
    assert (await journey.records.states(run_id)).count("Paused") == 2


@pytest.mark.parametrize("name", ["asks_in_time", "asks_in_time_async"])
async def test_time_that_a_run_is_paused_is_none_of_its_timeout(
    journey: Journey, name: str
) -> None:
    run_id = await start(journey, name)
    await waiting(journey, run_id, "Paused")

    async def is_longer_than_its_timeout() -> bool:
        (row,) = await journey.records.rows(
            "select now() - state_timestamp > interval '1.7 seconds' as is_long from flow_runs "
            "where id = $1",
            journey.run_uuid(run_id),
        )
        return row["is_long"]

    await eventually(is_longer_than_its_timeout, within_seconds=10, what="the timeout is over")
    await pauses.resume(journey.transport, flow_run_id=run_id, input={"value": "Rome"})

    assert await journey.records.ended(run_id) == "Completed"


async def test_suspended_run_has_no_process_and_comes_back_with_its_answer(
    journey: Journey,
) -> None:
    run_id = await start(journey, "leaves")
    await waiting(journey, run_id, "Suspended")
    item = await journey.records.item(run_id)

    await pauses.resume(journey.transport, flow_run_id=run_id, input={"value": 41})

    assert await journey.records.ended(run_id) == "Completed"
    assert item is None
    first, second = journey.executions(run_id)
    assert (first.pid, first.epoch) != (second.pid, second.epoch)
    assert len(journey.executions(run_id, "left")) == 2
    assert await journey.records.states(run_id) == [
        "Scheduled",
        "Pending",
        "Running",
        "Suspended",
        "Resuming",
        "Pending",
        "Running",
        "Completed",
    ]


async def test_paused_process_learns_that_nobody_answers(journey: Journey) -> None:
    run_id = await start(journey, "gives_up")

    assert await journey.records.ended(run_id) == "Failed"
    await journey.executed(run_id, "late")
    assert "nobody resumed it in time" in await journey.records.message(run_id)


async def test_paused_process_is_cancelled(journey: Journey) -> None:
    run_id = await start(journey, "asks")
    await waiting(journey, run_id, "Paused")

    await flow_runs.cancel(journey.transport, flow_run_id=run_id)

    assert await journey.records.ended(run_id) == "Cancelled"


async def requested(journey: Journey, run_id: str) -> None:
    """Ask a run to pause, and return once its process has heard of it."""
    await pauses.request(
        journey.transport, flow_run_id=run_id, is_suspension=False, reason="disk is full"
    )
    await heard(journey, run_id, "pause")


async def heard(journey: Journey, run_id: str, what: str) -> None:
    """Return once the process of a run has heard what it is asked."""

    async def has_heard() -> bool:
        lines = await journey.logged(run_id)
        return any(message.startswith(f"Asked to {what}") for _, message in lines)

    await eventually(has_heard, within_seconds=10, what=f"{run_id} is asked to {what}")


@pytest.mark.parametrize("name", ["steps", "steps_async", "steps_beside"])
async def test_run_that_is_asked_to_pause_stops_before_its_next_task(
    journey: Journey, name: str
) -> None:
    run_id = await start(journey, name)
    first = await journey.executed(run_id, "step:0")
    await requested(journey, run_id)
    for number in range(3):
        journey.open(f"step-{number}")
    await waiting(journey, run_id, "Paused")
    before = journey.executions(run_id, "step:1")

    await pauses.resume(journey.transport, flow_run_id=run_id)

    assert await journey.records.ended(run_id) == "Completed"
    assert before == []
    last = await journey.executed(run_id, "step:2")
    assert (last.pid, last.epoch) == (first.pid, first.epoch)
    assert (await journey.records.states(run_id))[2:] == [
        "Running",
        "Paused",
        "Running",
        "Completed",
    ]
    (kept,) = await pauses.list_pauses(journey.transport, flow_run_id=run_id)
    assert (kept.status, kept.description) == ("RESUMED", "Asked for by Owner: disk is full")


@pytest.mark.parametrize("name", ["steps", "steps_async"])
async def test_run_that_is_asked_to_leave_does_so_before_its_next_task(
    journey: Journey, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environment_of(journey).items():
        monkeypatch.setenv(variable, value)
    run_id = await start(journey, name)
    first = await journey.executed(run_id, "step:0")
    asked = await suspend_flow_run(flow_run_id=run_id)
    await heard(journey, run_id, "leave")
    journey.open("step-0")
    await waiting(journey, run_id, "Suspended")
    before = journey.executions(run_id, "step:1")
    journey.open("step-1")
    journey.open("step-2")

    await resume_flow_run(run_id)

    assert await journey.records.ended(run_id) == "Completed"
    assert (asked.id, before) == (run_id, [])
    assert len(journey.executions(run_id, "step:0")) == 1
    assert (await journey.executed(run_id, "step:1")).pid != first.pid


async def test_run_that_is_asked_to_pause_goes_on_when_that_is_taken_back(
    journey: Journey,
) -> None:
    run_id = await start(journey, "steps")
    await journey.executed(run_id, "step:0")
    await requested(journey, run_id)

    await pauses.resume(journey.transport, flow_run_id=run_id)
    for number in range(3):
        journey.open(f"step-{number}")

    assert await journey.records.ended(run_id) == "Completed"
    assert "Paused" not in await journey.records.states(run_id)


def environment_of(journey: Journey) -> dict[str, str]:
    """Return what leads a user's code to the installation."""
    site = journey.installation
    return {
        "HEADGATE_HOME": str(journey.folder / "home"),
        "HEADGATE_API_URL": site.url,
        "HEADGATE_API_KEY": site.api_key,
        "HEADGATE_WORKSPACE": site.workspace,
    }


async def command(journey: Journey, *arguments: str) -> Done:
    """Run a command on flow runs, as its user."""
    return await asyncio.to_thread(
        headgate,
        "flow-runs",
        *arguments,
        environment=environment_of(journey),
        folder=journey.folder,
    )


async def test_commands_pause_suspend_and_resume(journey: Journey) -> None:
    run_id = await start(journey, "steps")
    await journey.executed(run_id, "step:0")
    paused = await command(journey, "pause", run_id, "--reason", "disk is full")
    other = await command(journey, "suspend", run_id)
    back = await command(journey, "resume", run_id)
    suspended = await command(journey, "suspend", run_id, "--reason", "disk is full")
    await heard(journey, run_id, "leave")
    for number in range(3):
        journey.open(f"step-{number}")
    await waiting(journey, run_id, "Suspended")
    pending = await command(journey, "pending", "-o", "json")
    (asked,) = [one for one in json.loads(pending.out) if one["runId"] == run_id]
    meant = ["--key", asked["key"], "--asked-at", asked["createdAt"]]
    stale = await command(journey, "resume", run_id, *meant[:3], "2026-11-30T00:00:00.000001Z")
    resumed = await command(journey, "resume", run_id, *meant)
    ended = await journey.records.ended(run_id)
    late = await command(journey, "pause", run_id)

    codes = [done.code for done in (paused, other, back, suspended, pending, resumed)]
    assert codes == [0, 5, 0, 0, 0, 0], (paused.err, other.err, back.err, suspended.err)
    assert (stale.code, "something else by now" in stale.err) == (5, True)
    assert "Asked for by Owner: disk is full" in pending.out
    assert (ended, late.code) == ("Completed", 5)
    assert "The run has ended as Completed" in late.err


async def test_running_flow_reads_what_it_is_sent_in_order_and_once(journey: Journey) -> None:
    run_id = await start(journey, "listens")
    await journey.executed(run_id)
    for number, city in enumerate(("Rome", "nowhere", "Oslo", "Home")):
        await run_inputs.send(
            journey.transport,
            flow_run_id=run_id,
            keyset="order",
            message_id=city,
            payload={"city": city, "count": number},
        )

    assert await journey.records.ended(run_id) == "Completed"
    for city, number, times in (("Rome", 0, 1), ("nowhere", 1, 0), ("Oslo", 2, 1), ("Home", 3, 1)):
        assert len(journey.executions(run_id, f"heard:{city}:{number}")) == times


async def test_subflow_dies_with_the_run_that_is_killed_around_it(journey: Journey) -> None:
    run_id = await start(journey, "around_stubborn")
    await journey.executed_by_anyone("inside", within_seconds=30)

    await journey.cancel(run_id, grace_seconds=1)

    assert await journey.records.ended(run_id) == "Cancelled"

    async def is_below_over() -> bool:
        (below,) = await journey.records.rows(
            "select state_name, state_message from flow_runs where root_run_id = $1",
            journey.run_uuid(run_id),
        )
        is_told = "ran in the process of" in (below["state_message"] or "")
        return below["state_name"] == "Cancelled" and is_told

    await eventually(is_below_over, within_seconds=20, what="The end of the subflow")
