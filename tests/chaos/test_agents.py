"""kill -9 of an agent at each point of a run's life: what user code did, and what the record says.

Under CRASH user code starts once at most; under RETRY again, and only after the fence. The points
are reached by looking: a frozen agent cannot claim, a module that waits on import cannot start, a
hook that waits keeps the report back.
"""

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import wait_online
from tests.fixtures.journeys import HELD, Execution, Journey
from tests.fixtures.leashed import Leashed
from tests.fixtures.shared_installation import PATIENT

FENCE_SECONDS = 3 * float(PATIENT["HEADGATE_LEASE_SECONDS"])
"""The least that a deployment may promise."""
RETRY = {"on_agent_lost": "RETRY", "fence": f"PT{FENCE_SECONDS}S"}
BEGUN = ["Scheduled", "Pending", "Running"]


def start_agent(journey: Journey, name: str = "agent", *, is_cold: bool = False) -> Leashed:
    agent = journey.installation.start_agent(pool=journey.pool, name=name, is_cold=is_cold)
    wait_online(agent)
    return agent


def kill_with_its_child(agent: Leashed, execution: Execution) -> None:
    """Take the whole machine away: the agent, and the process that runs the flow."""
    agent.freeze()
    os.killpg(execution.pid, signal.SIGKILL)
    agent.kill()


async def abandon_soon(journey: Journey, run_id: str) -> None:
    """Let a silent run be given up before long; the API promises a minute at the least.

    A renewal that was under way as its sender died may yet come: it gives no more than this either.
    """
    await journey.records.rows(
        "update work_items set abandon_after_ms = 2000, "
        "fence_until = last_seen_at + interval '2 seconds' where run_id = $1",
        journey.run_uuid(run_id),
    )


async def gone(pid: int) -> None:
    """Return once a process has ended."""

    def is_gone() -> bool:
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            return False
        return True

    await eventually(is_gone, within_seconds=20, what=f"The end of process {pid}")


async def test_killed_before_the_claim_the_run_is_offered_again(lonely: Journey) -> None:
    agent = start_agent(lonely)
    agent.freeze()
    run_id = await lonely.run("quick")
    offered = await lonely.records.phase(run_id, "OFFERED")

    agent.kill()
    start_agent(lonely)

    assert await lonely.records.ended(run_id) == "Completed"
    (execution,) = lonely.executions(run_id)
    assert execution.epoch > offered["epoch"]
    assert await lonely.records.states(run_id) == [*BEGUN, "Completed"]


async def test_killed_between_claim_and_start_the_run_starts_once_elsewhere(
    lonely: Journey,
) -> None:
    agent = start_agent(lonely)
    run_id = await lonely.run("imported", file=HELD)
    claimed = await lonely.records.phase(run_id, "CLAIMED")
    await lonely.importing(processes=1)

    agent.kill()
    start_agent(lonely)
    await lonely.importing(processes=2)
    lonely.open("import")

    assert await lonely.records.ended(run_id) == "Completed"
    (execution,) = lonely.executions(run_id)
    assert execution.epoch > claimed["epoch"]
    assert await lonely.records.states(run_id) == [
        "Scheduled",
        "Pending",
        "Scheduled",
        "Pending",
        "Running",
        "Completed",
    ]


@pytest.mark.parametrize("mode", ["warm", "cold"])
async def test_killed_mid_run_under_crash_the_process_goes_on_and_ends_its_run(
    lonely: Journey, mode: str
) -> None:
    agent = start_agent(lonely, is_cold=mode == "cold")
    run_id = await lonely.run("held", parameters={"lines": 50})
    execution = await lonely.executed(run_id)

    agent.kill()
    lonely.open()

    ended = await lonely.records.ended(run_id)
    assert ended == "Completed", await lonely.records.message(run_id)
    assert [line.pid for line in lonely.executions(run_id, "ended")] == [execution.pid]
    assert await lonely.records.task_states(run_id) == {"Completed": 2}
    assert len(await lonely.records.attempts(run_id)) == 1
    home = lonely.installation.home("agent")
    said = (home / "output" / f"{run_id}.log").read_text().splitlines()
    assert said == [f"raw line {number}" for number in range(50)]


@pytest.mark.parametrize(("flow", "point"), [("held", "begun"), ("ends_slowly", "hook")])
async def test_killed_with_its_machine_under_crash_the_run_is_given_up_and_never_runs_twice(
    lonely: Journey, flow: str, point: str
) -> None:
    agent = start_agent(lonely)
    run_id = await lonely.run(flow)
    execution = await lonely.executed(run_id, point)

    kill_with_its_child(agent, execution)
    await abandon_soon(lonely, run_id)
    start_agent(lonely)

    assert await lonely.records.ended(run_id) == "Crashed"
    assert "silent" in await lonely.records.message(run_id)
    assert len(lonely.executions(run_id)) == 1


async def test_a_run_that_is_ended_over_its_head_never_has_two_processes(
    lonely: Journey,
) -> None:
    """Ended by force and started again: the old process goes before the new one comes."""
    agent = start_agent(lonely)
    bystander = await lonely.run("held", parameters={"gate": "bystander"})
    await lonely.executed(bystander)
    run_id = await lonely.run("held", parameters={"gate": "again"})
    first = await lonely.executed(run_id)

    await lonely.cancel(run_id, is_forced=True)
    await lonely.retry(run_id)
    second = await lonely.executed(run_id, times=2)

    await gone(first.pid)
    assert second.at >= first.at
    assert second.epoch > first.epoch
    for gate in ("again", "bystander"):
        lonely.open(gate)
    assert await lonely.all_ended([run_id, bystander]) == ["Completed", "Completed"]
    assert len(lonely.executions(bystander)) == 1
    assert "held has at most" not in agent.log


async def test_a_process_whose_run_was_ended_by_force_is_stopped(lonely: Journey) -> None:
    start_agent(lonely)
    run_id = await lonely.run("held")
    execution = await lonely.executed(run_id)

    await lonely.cancel(run_id, is_forced=True)

    await gone(execution.pid)
    assert await lonely.records.ended(run_id) == "Cancelled"


async def test_under_retry_user_code_runs_again_and_only_after_the_fence(lonely: Journey) -> None:
    runs = [
        await lonely.run("held", parameters={"gate": "agent"}, **RETRY),
        await lonely.run("ends_slowly", **RETRY),
    ]
    agent = start_agent(lonely)
    mid_run = await lonely.executed(runs[0])
    unreported = await lonely.executed(runs[1], "hook")

    agent.kill()
    await asyncio.gather(gone(mid_run.pid), gone(unreported.pid))
    items = [await lonely.records.item(run_id) for run_id in runs]
    lonely.open("agent")
    lonely.open()
    start_agent(lonely)

    assert await lonely.all_ended(runs) == ["Completed", "Completed"]
    for run_id, item in zip(runs, items, strict=True):
        assert item is not None
        first, second = lonely.executions(run_id)
        assert second.at >= item["last_seen_at"].timestamp() + FENCE_SECONDS
        assert second.epoch > first.epoch
        assert len(await lonely.records.attempts(run_id)) == 2
        assert await lonely.records.states(run_id) == [
            *BEGUN,
            "AwaitingRetry",
            "Pending",
            "Running",
            "Completed",
        ]


async def test_under_retry_a_cold_process_dies_with_its_agent(lonely: Journey) -> None:
    agent = start_agent(lonely, is_cold=True)
    run_id = await lonely.run("held", **RETRY)
    execution = await lonely.executed(run_id)

    agent.kill()

    await gone(execution.pid)


async def test_a_process_that_slept_through_its_fence_writes_nothing_after_it(
    lonely: Journey,
) -> None:
    agent = start_agent(lonely)
    run_id = await lonely.run("held", **RETRY)
    first = await lonely.executed(run_id)

    agent.freeze()
    os.kill(first.pid, signal.SIGSTOP)
    start_agent(lonely, "other")
    second = await lonely.executed(run_id, times=2)
    os.kill(first.pid, signal.SIGCONT)
    agent.thaw()
    await gone(first.pid)
    lonely.open()

    assert await lonely.records.ended(run_id) == "Completed"
    assert [line.pid for line in lonely.executions(run_id, "ended")] == [second.pid]
    assert second.epoch > first.epoch


async def test_a_process_whose_agent_hangs_ends_itself_before_its_fence(lonely: Journey) -> None:
    agent = start_agent(lonely)
    run_id = await lonely.run("held", **RETRY)
    first = await lonely.executed(run_id)

    agent.freeze()
    await gone(first.pid)
    item = await lonely.records.item(run_id)

    assert item is not None
    assert (item["phase"], item["epoch"]) == ("RUNNING", first.epoch)
    assert (await lonely.records.now()) < item["fence_until"]
    agent.kill()


async def test_an_agent_without_contact_kills_its_run_before_the_fence(lonely: Journey) -> None:
    balancer = lonely.installation.start_balancer()
    agent = lonely.installation.start_agent(pool=lonely.pool, url=balancer.url)
    run_id = await lonely.run("held", **RETRY)
    first = await lonely.executed(run_id)

    balancer.process.freeze()
    await gone(first.pid)
    item = await lonely.records.item(run_id)
    assert item is not None
    assert (await lonely.records.now()) < item["fence_until"]

    balancer.process.kill()
    agent.kill()
    start_agent(lonely, "other")
    await lonely.executed(run_id, times=2)
    lonely.open()
    assert await lonely.records.ended(run_id) == "Completed"
