"""Task runners on the real engines: the same cases on Dask, Ray and Spark.

Not among the tests that ``make test`` runs: ``infra/dev/engines.sh`` installs the engines, which
are large, and runs these.
"""

import importlib
import logging
from collections.abc import Generator
from typing import Any

import pytest

from headgate import flow, get_run_logger, runtime, task, unmapped
from headgate.integrations.dask import DaskTaskRunner
from headgate.integrations.ray import RayTaskRunner, remote_options
from headgate.integrations.spark import SparkTaskRunner
from headgate.task_runners import TaskRunner
from headgate.testing import Records, record_runs

pytestmark = pytest.mark.filterwarnings("ignore")


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task
async def add_async(x: int) -> int:
    return x + 1


@task
def fail() -> None:
    raise ValueError("no")


@task(retries=1)
def flaky() -> int:
    if runtime.task_run.run_count == 1:
        raise ValueError("first")
    return runtime.task_run.run_count


@task
def look() -> list[Any]:
    get_run_logger().info("looking")
    return [runtime.flow_run.name, runtime.task_run.task_name]


@task
def outer(x: int) -> int:
    return add(x) + add.submit(x).result()


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("HEADGATE_API_URL", "HEADGATE_API_KEY", "HEADGATE_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADGATE_HOME", str(tmp_path))
    logging.getLogger("distributed").setLevel(logging.ERROR)


@pytest.fixture(scope="module", params=["dask", "ray", "spark"])
def runner(request: pytest.FixtureRequest) -> Generator[TaskRunner]:
    """A runner on an engine that all cases share."""
    if request.param == "dask":
        distributed: Any = importlib.import_module("distributed")
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
        ) as cluster:
            yield DaskTaskRunner(cluster=cluster)
    elif request.param == "ray":
        ray: Any = importlib.import_module("ray")
        ray.init(num_cpus=2, include_dashboard=False, configure_logging=False)
        yield RayTaskRunner()
        ray.shutdown()
    else:
        sql: Any = importlib.import_module("pyspark.sql")
        session: Any = sql.SparkSession.builder.master("local[2]").getOrCreate()
        yield SparkTaskRunner(session=session)
        session.stop()


def test_results_come_back(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> Any:
        first: Any = add.submit(1)
        return add.submit(first).result(), add.map([1, 2], y=unmapped(10)).result()

    assert parent() == (3, [11, 12])


def test_coroutines_run(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return add_async.submit(1).result()

    assert parent() == 2


def test_exceptions_come_back(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> str:
        return repr(fail.submit().result(raise_on_failure=False))

    assert parent() == "ValueError('no')"


def test_retries_stay_with_the_flow(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return flaky.submit().result()

    with record_runs() as records:
        assert parent() == 2
    assert records.task_states("flaky") == ["Pending", "Running", "Retrying", "Completed"]


def test_the_runtime_is_known(runner: TaskRunner) -> None:
    @flow(task_runner=runner, flow_run_name="around")
    def parent() -> list[Any]:
        return look.submit().result()

    assert parent() == ["around", "look"]


def test_tasks_call_tasks(runner: TaskRunner) -> None:
    @flow(task_runner=runner)
    def parent() -> int:
        return outer.submit(1).result()

    records: Records
    with record_runs() as records:
        assert parent() == 4
    assert sorted(run.name.rpartition("-")[0] for run in records.task_runs) == [
        "add",
        "add",
        "outer",
    ]


def test_a_runner_makes_its_own_cluster() -> None:
    cluster = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}

    @flow(task_runner=DaskTaskRunner(cluster_kwargs=cluster))
    def parent() -> int:
        return add.submit(1).result()

    assert parent() == 2


def test_options_of_ray_reach_its_tasks() -> None:
    @task
    def cpus() -> Any:
        ray: Any = importlib.import_module("ray")
        return ray.get_runtime_context().get_assigned_resources()["CPU"]

    @flow(task_runner=RayTaskRunner(init_kwargs={"num_cpus": 2, "include_dashboard": False}))
    def parent() -> Any:
        with remote_options(num_cpus=0.5):
            return cpus.submit().result()

    assert parent() == 0.5
