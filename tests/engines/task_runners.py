"""What only an engine does: clusters of a flow run's own, and options of Ray.

Not among the tests that ``make test`` runs: ``infra/dev/engines.sh`` installs the engines, which
are large, and runs these after the cases that every task runner has to pass.
"""

import importlib
import logging
from typing import Any

import pytest

from headgate import flow, task
from headgate.integrations.dask import DaskTaskRunner
from headgate.integrations.ray import RayTaskRunner, remote_options

pytestmark = pytest.mark.filterwarnings("ignore")


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("HEADGATE_API_URL", "HEADGATE_API_KEY", "HEADGATE_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADGATE_HOME", str(tmp_path))
    logging.getLogger("distributed").setLevel(logging.ERROR)


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
