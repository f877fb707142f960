"""Task runners: the same cases on threads, processes, any executor and the engines that are here.

The engines are large: ``infra/dev/engines.sh`` installs them, and runs these on each.
"""

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from headgate import flow, get_run_logger, runtime, tags, task, unmapped
from headgate.artifacts import create_markdown_artifact
from headgate.integrations.dask import DaskTaskRunner
from headgate.integrations.ray import RayTaskRunner
from headgate.integrations.spark import SparkTaskRunner
from headgate.redaction import MASK, redactor
from headgate.task_runners import (
    ExecutorTaskRunner,
    ProcessPoolTaskRunner,
    TaskRunner,
    ThreadPoolTaskRunner,
)
from headgate.testing import Records
from headgate.texts import storable

ENGINES = [
    # They warn of what they do themselves.
    pytest.param(name, marks=pytest.mark.filterwarnings("ignore"))
    for name, library in (("dask", "distributed"), ("ray", "ray"), ("spark", "pyspark"))
    if find_spec(library) is not None
]


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task
async def add_async(x: int) -> int:
    return x + 1


@task
def fail() -> None:
    raise ValueError("no")


@task
def items(count: int) -> Generator[int]:
    yield from range(count)


@task(retries=1)
def flaky() -> int:
    if runtime.task_run.run_count == 1:
        raise ValueError("first")
    return runtime.task_run.run_count


@task(timeout_seconds=0.1)
def slow() -> None:
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        pass


@task(task_run_name="named-{x}", tags=["own"])
def look(x: int) -> list[Any]:
    get_run_logger().info("looking")
    return [
        runtime.flow_run.name,
        runtime.flow_run.id,
        runtime.task_run.name,
        runtime.task_run.task_name,
        runtime.task_run.parameters,
        runtime.task_run.tags,
        runtime.flow_run.tags,
    ]


@task
def outer(x: int) -> int:
    return add(x) + add.submit(x).result()


@task
def where() -> int:
    return os.getpid()


@task
def tell(said: str, again: list[str]) -> list[str]:
    """Say what it is told, put together from parts too; and return what it would say."""
    create_markdown_artifact(f"# {said} {'-'.join(again)}", key="told")
    get_run_logger().info("told %s", said)
    return [storable(said), storable("-".join(again))]


@pytest.fixture(scope="module")
def processes() -> Generator[ProcessPoolExecutor]:
    """One process, shared by the cases: to start it takes longer than all of them."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.fixture(scope="module")
def dask() -> Generator[TaskRunner]:
    """A runner on a cluster of Dask, shared by the cases."""
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with import_module("distributed").LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    ) as cluster:
        yield DaskTaskRunner(cluster=cluster)


@pytest.fixture(scope="module")
def ray() -> Generator[TaskRunner]:
    """A runner on a cluster of Ray, shared by the cases."""
    engine = import_module("ray")
    engine.init(num_cpus=2, include_dashboard=False, configure_logging=False)
    yield RayTaskRunner()
    engine.shutdown()


@pytest.fixture(scope="module")
def spark() -> Generator[TaskRunner]:
    """A runner on Spark in this process, shared by the cases."""
    session = import_module("pyspark.sql").SparkSession.builder.master("local[2]").getOrCreate()
    session.sparkContext.pythonExec = sys.executable
    yield SparkTaskRunner(session=session)
    session.stop()


@pytest.fixture(params=["threads", "executor of threads", "executor of processes", *ENGINES])
def runner(request: pytest.FixtureRequest, processes: ProcessPoolExecutor) -> TaskRunner:
    made: dict[str, Callable[[], TaskRunner]] = {
        "threads": ThreadPoolTaskRunner,
        "executor of threads": lambda: ExecutorTaskRunner(ThreadPoolExecutor),
        "executor of processes": lambda: ExecutorTaskRunner(processes),
    }
    return made.get(request.param, lambda: request.getfixturevalue(request.param))()


def test_a_result_comes_back(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return add.submit(1, y=2).result()

    assert parent() == 3


def test_a_map_keeps_its_order(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> list[int]:
        return add.map([1, 2, 3], y=unmapped(10)).result()

    assert parent() == [11, 12, 13]


def test_futures_are_resolved(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return add.submit(add.submit(1), y=add.submit(2)).result()  # pyright: ignore[reportArgumentType] - resolved by the engine

    assert parent() == 5


def test_async_tasks_run(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return add_async.submit(1).result()

    assert parent() == 2


def test_generators_are_collected(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> list[int]:
        return items.submit(3).result()

    assert parent() == [0, 1, 2]


def test_an_exception_comes_back(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> str:
        return repr(fail.submit().result(raise_on_failure=False))

    assert parent() == "ValueError('no')"


def test_retries_count_their_attempts(runner: TaskRunner, runs: Records) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return flaky.submit().result()

    assert parent() == 2
    assert runs.task_states("flaky") == ["Pending", "Running", "Retrying", "Completed"]


def test_timeouts_strike(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> str:
        future = slow.submit()
        future.wait()
        return future.state.name

    assert parent() == "TimedOut"


def test_the_runtime_is_known(runner: TaskRunner) -> None:
    @flow(task_runner=runner, flow_run_name="around")
    def parent() -> list[Any]:
        with tags("both"):
            return [runtime.flow_run.id, *look.submit(1).result()]

    id_, name, id_there, task_name, kind, parameters, own, around = parent()

    assert (name, id_there) == ("around", id_)
    assert (task_name, kind, parameters) == ("named-1", "look", {"x": 1})
    assert (own, around) == (["both", "own"], [])


def test_tasks_call_and_submit_tasks(runner: TaskRunner, runs: Records) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return outer.submit(1).result()

    assert parent() == 4
    assert sorted(run.name.rpartition("-")[0] for run in runs.task_runs) == ["add", "add", "outer"]


def test_a_secret_is_masked_where_it_is_sent_to(runner: TaskRunner, runs: Records) -> None:
    redactor.add(["peregrine-of-runners", "never-of-runners"])

    @flow(task_runner=runner)
    def parent() -> list[str]:
        return tell.submit("a peregrine-of-runners", ["never", "of", "runners"]).result()

    assert parent()[0] == f"a {MASK}"
    # What is not told there, its flow knows.
    assert [report.input["data"] for report in runs.reports] == [f"# a {MASK} {MASK}"]


def test_what_a_call_told_of_secrets_is_forgotten_behind_it(
    processes: ProcessPoolExecutor,
) -> None:
    redactor.add("saker-of-runners")

    @flow(task_runner=ExecutorTaskRunner(processes))
    def parent() -> list[list[str]]:
        parts = ["saker", "of", "runners"]
        return [tell.submit(said, parts).result() for said in ("saker-of-runners", "none")]

    assert parent() == [[MASK, MASK], ["none", "saker-of-runners"]]


def test_an_executor_that_was_given_stays_open(processes: ProcessPoolExecutor) -> None:
    @flow(task_runner=ExecutorTaskRunner(processes))
    def parent() -> int:
        return where.submit().result()

    first, second = parent(), parent()

    assert first == second != os.getpid()


def test_a_process_pool_runs_tasks_in_other_processes() -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def parent() -> list[int]:
        return [where.submit().result(), where.submit().result()]

    first, second = parent()

    assert first == second != os.getpid()


def test_what_cannot_travel_fails_its_task(processes: ProcessPoolExecutor) -> None:
    @flow(task_runner=ExecutorTaskRunner(processes))
    def parent() -> str:
        future = add.submit(threading.Lock())  # pyright: ignore[reportArgumentType] - what is tested
        future.wait()
        return str(future.state.message)

    assert "cannot be sent to another process" in parent()


def test_a_result_that_cannot_travel_fails_its_task(processes: ProcessPoolExecutor) -> None:
    @task
    def lock() -> Any:
        return threading.Lock()

    @flow(task_runner=ExecutorTaskRunner(processes))
    def parent() -> str:
        future = lock.submit()
        future.wait()
        return str(future.state.message)

    assert "cannot be sent to another process" in parent()


def test_a_process_that_goes_away_crashes_its_task() -> None:
    @task
    def leave() -> None:
        os._exit(3)

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def parent() -> tuple[str, int]:
        future = leave.submit()
        future.wait()
        return future.state.name, add.submit(1).result()

    assert parent() == ("Crashed", 2)


def test_max_workers_limits_threads() -> None:
    most, now = 0, 0
    lock = threading.Lock()

    @task
    def count(x: int) -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        with lock:
            now -= 1

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def parent() -> None:
        count.map(range(20)).wait()

    parent()

    assert most == 1


def test_max_workers_is_one_or_more() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        ThreadPoolTaskRunner(max_workers=0)


def test_runners_of_the_same_options_are_equal() -> None:
    assert ThreadPoolTaskRunner(2) == ThreadPoolTaskRunner(2)
    assert ThreadPoolTaskRunner(2) != ProcessPoolTaskRunner(2)


def test_a_subflow_may_have_another_runner(processes: ProcessPoolExecutor) -> None:
    @flow(task_runner=ExecutorTaskRunner(processes))
    def inner() -> int:
        return where.submit().result()

    @flow
    def parent() -> tuple[int, int]:
        return where.submit().result(), inner()

    here, there = parent()

    assert here == os.getpid() != there
