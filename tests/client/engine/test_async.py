"""Async flows and tasks: awaited, gathered, submitted, mixed with blocking ones."""

import asyncio
import threading

import pytest

from headgate import flow, get_run_logger, runtime, task
from headgate.states import State, StateType


@task
async def double(x: int) -> int:
    await asyncio.sleep(0)
    return x * 2


@task
def add(x: int, y: int) -> int:
    return x + y


def test_an_async_flow_awaits_async_tasks() -> None:
    @flow
    async def parent() -> int:
        return await double(await double(1))

    assert asyncio.run(parent()) == 4


def test_gathered_tasks_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(3)

    @task
    async def meet(x: int) -> int:
        await asyncio.wait_for(meeting.wait(), 10)
        return x

    @flow
    async def parent() -> list[int]:
        return await asyncio.gather(*[meet(x) for x in range(3)])

    assert asyncio.run(parent()) == [0, 1, 2]


def test_gathered_tasks_have_contexts_of_their_own() -> None:
    @task
    async def look(x: int) -> tuple[str | None, bool]:
        before = runtime.task_run.id
        await asyncio.sleep(0.001)
        return before, before == runtime.task_run.id

    @flow
    async def parent() -> list[tuple[str | None, bool]]:
        return await asyncio.gather(*[look(x) for x in range(10)])

    found = asyncio.run(parent())

    assert len({run_id for run_id, _ in found}) == 10
    assert all(is_same for _, is_same in found)


def test_a_blocking_task_is_called_plainly_in_an_async_flow() -> None:
    @flow
    async def parent() -> int:
        return add(1, await double(2))

    assert asyncio.run(parent()) == 5


def test_an_async_task_may_be_submitted_from_a_blocking_flow() -> None:
    @flow
    def parent() -> list[int]:
        return double.map([1, 2, 3]).result()

    assert parent() == [2, 4, 6]


def test_a_submitted_async_task_runs_beside_the_flow_s_loop() -> None:
    @task
    async def thread_name() -> str:
        return threading.current_thread().name

    @flow
    async def parent() -> str:
        return await thread_name.submit().result_async()

    assert asyncio.run(parent()).startswith("headgate-task")


def test_waiting_for_a_future_lets_other_coroutines_run() -> None:
    gate = threading.Event()

    @task
    def hold() -> int:
        gate.wait(10)
        return 1

    @flow
    async def parent() -> int:
        future = hold.submit()
        asyncio.get_running_loop().call_later(0.01, gate.set)
        return await future.result_async()

    assert asyncio.run(parent()) == 1


def test_an_async_failure_raises_where_it_is_awaited() -> None:
    @task
    async def fail() -> None:
        raise ValueError("no")

    @flow
    async def parent() -> str:
        state = await fail(return_state=True)
        with pytest.raises(ValueError, match="no"):
            await fail()
        return state.name

    assert asyncio.run(parent()) == "Failed"


def test_an_async_task_is_retried() -> None:
    calls: list[int] = []

    @task(retries=2, retry_delay_seconds=0.001)
    async def flaky() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("no")
        return len(calls)

    assert asyncio.run(flaky()) == 3


def test_an_async_subflow_is_awaited() -> None:
    @flow
    async def child(x: int) -> int:
        return await double(x)

    @flow
    async def parent() -> list[int]:
        return await asyncio.gather(*[child(1), child(2)])

    assert asyncio.run(parent()) == [2, 4]


def test_a_blocking_flow_may_be_called_inside_a_running_loop() -> None:
    @flow
    def blocking() -> int:
        return add.submit(1, 2).result()

    async def main() -> int:
        return blocking()

    assert asyncio.run(main()) == 3


def test_a_cancelled_flow_is_crashed_and_the_cancellation_goes_on() -> None:
    seen: list[StateType] = []

    def note(owner: object, run: object, state: State[None]) -> None:
        seen.append(state.type)

    @flow(on_crashed=[note])
    async def hang() -> None:
        get_run_logger().info("hanging")
        await asyncio.sleep(20)

    async def main() -> None:
        running = asyncio.create_task(hang())
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())

    assert seen == [StateType.CRASHED]
