"""Deploying: where a flow's code is, which parameters it takes, and the folder it works in."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from headgate import deploy, flow
from headgate.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from headgate.deployments.from_flows import spec_of, with_image
from headgate.deployments.runner import RunnerDeployment
from headgate.deployments.schedules import Cron, Interval
from headgate.deployments.steps import set_working_directory
from headgate.deployments.storing import check_parameters, entrypoint_of
from headgate.docker import DockerImage
from headgate.errors import EntrypointError, ParameterError
from tests.fixtures.repository import ROOT


@flow
def priced(amount: float, currency: str = "EUR") -> str:
    return f"{amount} {currency}"


@flow
def anything(**values: int) -> int:
    return sum(values.values())


def test_entrypoint_is_relative_to_the_folder() -> None:
    place = "tests/client/deployments/test_deploy.py:priced"

    assert entrypoint_of(priced, directory=ROOT) == place


def test_entrypoint_outside_of_the_folder_is_absolute(tmp_path: Path) -> None:
    assert entrypoint_of(priced, directory=tmp_path) == f"{Path(__file__).resolve()}:priced"


def test_flow_inside_a_function_cannot_be_deployed() -> None:
    @flow
    def inner() -> None: ...

    with pytest.raises(EntrypointError, match="not defined at the top of a file"):
        entrypoint_of(inner, directory=ROOT)


def test_parameters_that_fit_pass() -> None:
    check_parameters(priced, parameters={"amount": 2})
    check_parameters(priced, parameters={"currency": "USD"})
    check_parameters(anything, parameters={})


def test_unknown_parameter_suggests_a_near_one() -> None:
    with pytest.raises(ParameterError, match="no parameter 'amout'; did you mean 'amount'"):
        check_parameters(priced, parameters={"amout": 2})


def test_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ParameterError, match="amount"):
        check_parameters(priced, parameters={"amount": "much"})


@pytest.mark.parametrize("value", ["{{ variables.amount }}", "{{ blocks.json.amount }}"])
def test_value_that_is_filled_in_later_is_checked_then(value: str) -> None:
    check_parameters(priced, parameters={"amount": value})


def test_working_directory_is_set_and_importable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", list(sys.path))

    set_working_directory(str(tmp_path))

    assert Path.cwd().samefile(tmp_path)
    assert sys.path[0] == str(tmp_path)


def test_folder_that_is_not_here_is_explained() -> None:
    with pytest.raises(EntrypointError, match="There is no folder /nowhere on this machine"):
        set_working_directory("/nowhere")


def test_several_schedules_of_one_kind_are_made() -> None:
    spec = spec_of(priced, name="one", work_pool_name="default", interval=[60, timedelta(hours=1)])
    crons = spec_of(priced, name="one", work_pool_name="default", cron=["0 6 * * *", "0 18 * * *"])

    assert spec.schedules == [
        Interval(every=timedelta(minutes=1)),
        Interval(every=timedelta(hours=1)),
    ]
    assert crons.schedules == [Cron(cron="0 6 * * *"), Cron(cron="0 18 * * *")]


def test_options_of_a_deployment_are_stored_or_refused(caplog: pytest.LogCaptureFixture) -> None:
    spec = spec_of(
        priced,
        name="one",
        work_pool_name="default",
        enforce_parameter_schema=False,
        infrastructure_retries=2,
        abandon_after=60,
        triggers=[],
    )

    assert (spec.is_schema_enforced, spec.infrastructure_retries) == (False, 2)
    assert spec.abandon_after == timedelta(minutes=1)
    assert "triggers" in caplog.text
    with pytest.raises(ParameterError, match="has no enforce_schema"):
        spec_of(priced, name="one", work_pool_name="default", enforce_schema=False)


def test_a_limit_says_what_follows_on_one_more() -> None:
    limit = ConcurrencyLimitConfig(limit=2, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)

    spec = spec_of(priced, name="x", work_pool_name="pool", concurrency_limit=limit)

    assert (spec.concurrency_limit, spec.on_collision) == (2, "CANCEL_NEW")


@pytest.mark.parametrize(
    ("image", "inputs"),
    [
        ("localhost:5000/flows", {"image_name": "localhost:5000/flows", "dockerfile": "auto"}),
        (
            "registry/flows:1.0",
            {"image_name": "registry/flows", "tag": "1.0", "dockerfile": "auto"},
        ),
        (
            DockerImage(
                "registry/flows", tag="1.0", dockerfile="Dockerfile", platform="linux/arm64"
            ),
            {
                "image_name": "registry/flows",
                "tag": "1.0",
                "dockerfile": "Dockerfile",
                "platform": "linux/arm64",
            },
        ),
    ],
)
def test_an_image_is_built_as_it_says(image: str | DockerImage, inputs: dict[str, str]) -> None:
    spec = spec_of(priced, name="x", work_pool_name="pool")

    built = with_image(priced, spec, image, is_built=True, is_pushed=True)

    assert list(built.build_steps or ()) == [
        {"headgate.deployments.steps.build_docker_image": inputs}
    ]
    assert built.job_variables == {"image": "{{ image }}"}
    assert [list(one) for one in built.push_steps or ()] == [
        ["headgate.deployments.steps.push_docker_image"]
    ]


def test_an_image_that_is_there_is_only_named() -> None:
    spec = spec_of(priced, name="x", work_pool_name="pool", job_variables={"cpu": 1})
    image = DockerImage("registry/flows:1.0")

    built = with_image(priced, spec, image, is_built=False, is_pushed=True)

    assert (built.build_steps, built.push_steps) == (None, None)
    assert built.job_variables == {"image": "registry/flows:1.0", "cpu": 1}


def test_an_image_has_one_tag() -> None:
    with pytest.raises(EntrypointError, match="Say the tag once"):
        DockerImage("registry/flows:1.0", tag="2.0")
    assert DockerImage("registry/flows").tag


def test_deploying_nothing_or_nowhere_is_refused() -> None:
    with pytest.raises(ParameterError, match="needs a deployment"):
        deploy()
    with pytest.raises(ParameterError, match="Say in which pool priced/x runs"):
        deploy(RunnerDeployment.from_flow(priced, "x"))
