"""Generator functions as flows and tasks: runs that last as long as somebody iterates."""

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest

from headgate import flow, get_run_logger, runtime, task
from headgate.errors import CancelledRun, ParameterError, RunTimeoutError
from headgate.states import StateType
from tests.client.engine.conftest import FrozenClock
from tests.client.recording_server import RecordedRun, RecordingServer
from tests.fixtures.deadlines import eventually_sync


@task
def count(limit: int) -> Generator[int, str | None, str]:
    yield from range(limit)
    return "counted"


@task
async def count_async(limit: int) -> AsyncGenerator[int]:
    for number in range(limit):
        await asyncio.sleep(0)
        yield number


def _states(run: RecordedRun) -> list[str]:
    return [name for _, name in run.states]


def _task_states(run: RecordedRun) -> list[list[str]]:
    return [[state[1] for state in row["states"]] for row in run.tasks.values()]


def test_a_flow_runs_as_its_items_are_asked_for(server: RecordingServer) -> None:
    @flow
    def numbers(limit: int) -> Generator[int, None, str]:
        get_run_logger().info("begun")
        yield from count(limit)
        return "done"

    given: Any = "2"
    iteration = numbers(given)
    assert server.runs == {}

    assert next(iteration) == 0
    assert _states(server.only_run()) == ["Pending", "Running"]
    assert runtime.flow_run.id is None
    assert next(iteration) == 1
    with pytest.raises(StopIteration) as stop:
        next(iteration)

    assert stop.value.value == "done"
    run = server.only_run()
    assert _states(run) == ["Pending", "Running", "Completed"]
    assert _task_states(run) == [["Pending", "Running", "Completed"]]
    assert "begun" in [message for _, message in run.logs]


async def test_an_asynchronous_flow_runs_as_its_items_are_asked_for(
    server: RecordingServer,
) -> None:
    inside: list[Any] = []

    @flow
    async def numbers(limit: int) -> AsyncGenerator[int]:
        async for number in count_async(limit):
            inside.append(runtime.flow_run.id)
            yield number

    outside = [(number, runtime.flow_run.id) async for number in numbers(2)]

    run = server.only_run()
    assert outside == [(0, None), (1, None)]
    assert inside == [run.id, run.id]
    assert _states(run) == ["Pending", "Running", "Completed"]
    assert _task_states(run) == [["Pending", "Running", "Completed"]]


def test_arguments_that_do_not_fit_are_refused_at_the_call() -> None:
    wrong: Any = count

    with pytest.raises(ParameterError, match="missing a required argument"):
        wrong()


def test_a_generator_that_nobody_asks_leaves_no_trace(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        count(3)

    work()

    assert server.only_run().tasks == {}


def test_its_exception_fails_the_run_and_reaches_the_caller(server: RecordingServer) -> None:
    @flow
    def broken() -> Generator[int]:
        yield 1
        raise ValueError("no")

    seen: list[int] = []

    with pytest.raises(ValueError, match="no"):
        seen.extend(broken())

    assert _states(server.only_run()) == ["Pending", "Running", "Failed"]


def test_a_failed_attempt_starts_over(clock: FrozenClock) -> None:
    attempts: list[int] = []

    @task(retries=1, retry_delay_seconds=3)
    def flaky() -> Generator[str]:
        attempts.append(1)
        yield f"attempt {len(attempts)}"
        if len(attempts) == 1:
            raise ValueError("no")

    assert list(flaky()) == ["attempt 1", "attempt 2"]
    assert clock.slept == [3]


@pytest.mark.parametrize("end", ["closed", "forgotten"])
def test_a_caller_that_has_enough_completes_the_run(server: RecordingServer, end: str) -> None:
    left: list[Any] = []

    @flow
    def endless() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            left.append(runtime.flow_run.id)

    if end == "closed":
        iteration = endless()
        next(iteration)
        iteration.close()
    else:
        for _ in endless():
            break
        gc.collect()

    assert left == [server.only_run().id]
    assert _states(server.only_run()) == ["Pending", "Running", "Completed"]


async def test_a_coroutine_that_has_enough_completes_the_run(server: RecordingServer) -> None:
    @flow
    async def endless() -> AsyncGenerator[int]:
        async for number in count_async(100):
            yield number

    async with contextlib.aclosing(endless()) as iteration:
        assert await anext(iteration) == 0

    run = server.only_run()
    assert _states(run) == ["Pending", "Running", "Completed"]
    assert _task_states(run) == [["Pending", "Running", "Completed"]]


def test_a_generator_that_is_lost_in_a_circle_completes_its_run(server: RecordingServer) -> None:
    class Holder:
        def __init__(self) -> None:
            self.itself = self
            self.iteration = work()
            next(self.iteration)

    @flow
    def work() -> Generator[int]:
        yield 1
        yield 2

    Holder()
    gc.collect()

    assert _states(server.only_run()) == ["Pending", "Running", "Completed"]


def test_what_cleaning_up_raises_fails_the_run(server: RecordingServer) -> None:
    @flow
    def untidy() -> Generator[int]:
        try:
            yield 1
        finally:
            raise ValueError("no")

    iteration = untidy()
    next(iteration)

    with pytest.raises(ValueError, match="no"):
        iteration.close()

    assert _states(server.only_run())[-1] == "Failed"


def test_what_a_flow_leaves_open_is_closed_at_its_end(server: RecordingServer) -> None:
    kept: list[Any] = []

    @flow
    def work() -> None:
        kept.extend([count(5), count(5)])
        next(kept[0])
        next(kept[1])
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()

    run = server.only_run()
    assert _task_states(run) == [["Pending", "Running", "Completed"]] * 2
    assert run.tasks_at_end == 2


def test_values_and_exceptions_of_the_caller_reach_the_function() -> None:
    @task
    def echo() -> Generator[str, str, None]:
        said = "begun"
        while True:
            try:
                said = yield said
            except KeyError as error:
                said = f"caught {error.args[0]}"

    iteration = echo()

    assert next(iteration) == "begun"
    assert iteration.send("hello") == "hello"
    assert iteration.throw(KeyError("this")) == "caught this"
    with pytest.raises(LookupError, match="other"):
        iteration.throw(LookupError("other"))


def test_submitted_and_mapped_it_is_a_list() -> None:
    @flow
    def work() -> list[Any]:
        return [
            count.submit(2).result(),
            count_async.submit(3).result(),
            count.map([1, 2]).result(),
            count(2, return_state=True).result(),
        ]

    assert work() == [[0, 1], [0, 1, 2], [[0], [0, 1]], [0, 1]]


def test_a_state_is_that_of_the_whole_iteration() -> None:
    @flow
    def numbers() -> Generator[int]:
        yield from (1, 2)

    @flow
    async def numbers_async() -> AsyncGenerator[int]:
        yield 3

    assert numbers(return_state=True).result() == [1, 2]
    assert asyncio.run(numbers_async(return_state=True)).result() == [3]


def test_only_the_time_inside_counts_for_its_timeout(clock: FrozenClock) -> None:
    del clock
    gate = threading.Event()

    @task(timeout_seconds=0.3)
    def slow(seconds: float) -> Generator[int]:
        yield 1
        gate.wait(seconds)
        yield 2

    patient = slow(0)
    next(patient)
    gate.wait(0.4)
    assert next(patient) == 2
    impatient = slow(20)
    next(impatient)
    with pytest.raises(RunTimeoutError, match=r"its timeout of 0\.3 seconds"):
        next(impatient)


def test_a_cancel_request_between_two_items_strikes_the_function(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_RENEW_INTERVAL_SECONDS", "0.02")
    left: list[str] = []

    @flow
    def endless() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            left.append("left")

    iteration = endless()
    next(iteration)
    server.only_run().is_cancel_requested = True
    eventually_sync(lambda: server.only_run().type == "CANCELLING", what="the request")
    eventually_sync(lambda: server.operations().count("RunRenew") >= 3, what="its effect")

    with pytest.raises(CancelledRun):
        next(iteration)

    assert left == ["left"]
    assert server.only_run().type == StateType.CANCELLED.value


SCRIPT = """
from headgate import flow

@flow
def endless():
    while True:
        yield 1

iteration = endless()
next(iteration)
"""


def test_a_process_that_ends_in_the_middle_completes_the_run(
    server: RecordingServer, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)

    subprocess.run([sys.executable, str(tmp_path / "script.py")], check=True, timeout=60)

    assert _states(server.only_run()) == ["Pending", "Running", "Completed"]
