"""headgate.yaml: what it says becomes deployments; what is wrong is named with its place."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from headgate.deployments.project_file import read_project
from headgate.deployments.schedules import Cron, Interval
from headgate.deployments.storing import DeploymentSpec
from headgate.errors import SettingsError

WHOLE = """
pull:
  - headgate.deployments.steps.set_working_directory: {directory: /srv/flows}
deployments:
  - name: daily
    entrypoint: flows/weather.py:weather
    work_pool: {name: default, work_queue_name: fast, job_variables: {env: {A: "1"}}}
    parameters: {city: Seattle}
    schedules:
      - {cron: "0 6 * * *", timezone: Europe/Berlin}
      - {interval: 5m, slug: often, active: false}
    tags: [etl]
    blocks: [secret/token]
    starts: [etl/*]
    description: Every morning
    paused: true
    concurrency_limit: {limit: 2, collision_strategy: COALESCE, parameter: city}
  - name: manual
    entrypoint: flows/weather.py:weather
    work_pool: default
    concurrency_limit: 1
    schedules: []
"""

WRONG = (
    ("- 1", "must be a mapping"),
    ("deployments: {}", "deployments must be a list"),
    ("deployment: []", "has an unknown key 'deployment'; did you mean deployments?"),
    ("deployments: [{entrypoint: a.py:b}]", r"deployments\[0\] needs name, a text"),
    ("deployments: [{name: a}]", r"deployments\[0\] \(a\) needs entrypoint"),
    ("deployments: [{name: a, entrypoint: b, work-pool: c}]", "did you mean work_pool"),
    ("deployments: [{name: a, entrypoint: b, tags: c}]", "tags must be a list, not 'c'"),
    (
        "deployments: [{name: a, entrypoint: b, schedule: {slug: a}}]",
        "needs one of cron, interval and rrule",
    ),
    ("deployments: [{name: a, entrypoint: b, schedule: {interval: x}}]", "is no length of time"),
    ("deployments: [{name: a, entrypoint: b, schedule: {cron: x}, schedules: []}]", "write one of"),
    (
        "deployments: [{name: a, entrypoint: b}, {name: a, entrypoint: b}]",
        "two deployments of b are named 'a'",
    ),
    ("deployments: [{name: a, entrypoint: b, concurrency_limit: x}]", "concurrency_limit must be"),
    ("deployments: [", "is not valid YAML"),
)


def test_everything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "headgate.yaml"
    path.write_text(WHOLE)

    found = read_project(path)

    pull = [{"headgate.deployments.steps.set_working_directory": {"directory": "/srv/flows"}}]
    assert found == [
        DeploymentSpec(
            name="daily",
            entrypoint="flows/weather.py:weather",
            directory=tmp_path,
            work_pool="default",
            work_queue="fast",
            parameters={"city": "Seattle"},
            schedules=[
                Cron(cron="0 6 * * *", timezone="Europe/Berlin"),
                Interval(every=timedelta(minutes=5), slug="often", is_active=False),
            ],
            tags=["etl"],
            blocks=["secret/token"],
            starts=["etl/*"],
            description="Every morning",
            is_paused=True,
            job_variables={"env": {"A": "1"}},
            pull_steps=pull,
            concurrency_limit=2,
            on_collision="COALESCE",
            collision_parameter="city",
        ),
        DeploymentSpec(
            name="manual",
            entrypoint="flows/weather.py:weather",
            directory=tmp_path,
            work_pool="default",
            schedules=[],
            pull_steps=pull,
            concurrency_limit=1,
        ),
    ]


@pytest.mark.parametrize(("text", "complaint"), WRONG)
def test_what_is_wrong_is_named(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "headgate.yaml"
    path.write_text(text)

    with pytest.raises(SettingsError, match=complaint):
        read_project(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"There is no .*headgate\.yaml"):
        read_project(tmp_path / "headgate.yaml")


def test_names_of_deployments_and_flows_hold_variables_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "staging")
    path = tmp_path / "headgate.yaml"
    path.write_text(
        'deployments: [{name: "etl-{{ $STAGE }}", entrypoint: "{{ $STAGE }}/flows.py:etl"}]'
    )

    (found,) = read_project(path)

    assert (found.name, found.entrypoint) == ("etl-staging", "staging/flows.py:etl")


@pytest.mark.parametrize(
    ("name", "entrypoint", "problem"),
    [
        ("b-{{ $NOT_SET }}", "b.py:b", "name names $NOT_SET, which is not set"),
        ("{{ variables.x }}", "b.py:b", "name takes no template but {{ $NAME }}"),
        ("b", "{{ build.tag }}.py:b", "(b): entrypoint takes no template but {{ $NAME }}"),
    ],
)
def test_a_name_that_cannot_be_filled_in_is_told_of_its_deployment_alone(
    tmp_path: Path, name: str, entrypoint: str, problem: str
) -> None:
    path = tmp_path / "headgate.yaml"
    entries = [{"name": "a", "entrypoint": "a.py:a"}, {"name": name, "entrypoint": entrypoint}]
    path.write_text(json.dumps({"deployments": entries}))

    good, bad = read_project(path)

    assert (good.name, good.problem) == ("a", None)
    assert (bad.name, bad.entrypoint) == (name, entrypoint)
    assert problem in (bad.problem or "")


def test_a_schedule_that_says_nothing_is_none(tmp_path: Path) -> None:
    path = tmp_path / "prefect.yaml"
    path.write_text("deployments: [{name: a, entrypoint: b, schedule: {}}]")

    (found,) = read_project(path)

    assert found.schedules is None
