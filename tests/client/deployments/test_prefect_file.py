"""prefect.yaml, as it is: what it says becomes deployments, and its steps are run."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate.api.deployments import DeploymentAnswer
from headgate.api.flow_runs import Named
from headgate.deployments.building import build_and_push
from headgate.deployments.plans import Plan, plan_of
from headgate.deployments.project_file import find_project_file, read_project
from headgate.deployments.schedules import Cron, Interval, RRule
from headgate.deployments.storing import DeploymentSpec, input_of
from headgate.errors import EntrypointError, SettingsError
from headgate.flows import Flow

WHOLE = """
# Generic metadata about this project
name: flows
prefect-version: 3.4.0

definitions:
  tags: &common_tags [eks, etl]
  work_pool: &common_pool
    name: k8s
    work_queue_name: null
    job_variables:
      image: "{{ build-image.image }}"
      env: {TOKEN: "{{ prefect.blocks.secret.token }}", CITY: "{{ prefect.variables.city }}"}

build:
  - prefect.deployments.steps.run_shell_script:
      id: commit
      script: echo abc123
      stream_output: false
  - prefect_docker.deployments.steps.build_docker_image:
      id: build-image
      requires: prefect-docker>=0.3.1
      image_name: registry/flows
      tag: "{{ commit.stdout }}"
      dockerfile: auto

push:
  - prefect_docker.deployments.steps.push_docker_image:
      requires: prefect-docker>=0.3.1
      image_name: "{{ build-image.image_name }}"
      tag: "{{ build-image.tag }}"

pull:
  - prefect.deployments.steps.git_clone:
      repository: https://github.com/org/repo.git
      branch: main
      access_token: "{{ prefect.blocks.secret.token }}"

deployments:
  - name: daily
    version: 1
    tags: *common_tags
    description: null
    entrypoint: flows.py:daily
    flow_name: null
    parameters: {count: 2}
    work_pool: *common_pool
    schedules:
      - {cron: "0 6 * * *", timezone: America/Chicago, day_or: true, active: true}
      - {interval: 3600, anchor_date: "2024-01-01T00:00:00+00:00", timezone: UTC, slug: hourly}
      - {rrule: "FREQ=WEEKLY;BYDAY=MO", timezone: UTC}
    concurrency_limit: {limit: 1, collision_strategy: CANCEL_NEW}
    triggers: [{type: event}]
  - name: by-hand
    entrypoint: flows.py:daily
    work_pool: {name: local}
    schedule: null
    parameters: {}
    build: null
    push: null
    pull:
      - prefect.deployments.steps.set_working_directory: {directory: /srv}
"""
FLOWS = (
    "from headgate import flow\n\n\n@flow\ndef daily(count: int = 1) -> int:\n    return count\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a docker command that writes down how it was called."""
    tools = tmp_path / "tools"
    tools.mkdir()
    docker = tools / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/docker.log\necho sha256:1\n')
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    (tmp_path / "prefect.yaml").write_text(WHOLE)
    (tmp_path / "flows.py").write_text(FLOWS)
    return tmp_path


def daily() -> Flow[..., Any]:
    def daily(count: int = 1) -> int:
        return count

    return Flow(daily)


def test_it_is_found_where_there_is_no_other(folder: Path) -> None:
    assert find_project_file(folder).name == "prefect.yaml"
    (folder / "headgate.yaml").write_text("deployments: []\n")
    assert find_project_file(folder).name == "headgate.yaml"


def test_deployments_are_read_with_their_anchors(folder: Path) -> None:
    first, second = read_project(folder / "prefect.yaml")

    assert (first.name, first.work_pool, first.tags) == ("daily", "k8s", ["eks", "etl"])
    assert (first.version, first.concurrency_limit) == ("1", 1)
    assert first.on_collision == "CANCEL_NEW"
    assert first.ignored == ("triggers",)
    assert (second.work_pool, second.schedules) == ("local", None)


def test_schedules_of_all_forms_are_read(folder: Path) -> None:
    first, _ = read_project(folder / "prefect.yaml")

    assert first.schedules == [
        Cron(cron="0 6 * * *", timezone="America/Chicago"),
        Interval(every=timedelta(hours=1), anchor=datetime(2024, 1, 1, tzinfo=UTC), slug="hourly"),
        RRule(rrule="FREQ=WEEKLY;BYDAY=MO"),
    ]


def test_blocks_and_variables_have_our_names(folder: Path) -> None:
    first, _ = read_project(folder / "prefect.yaml")

    assert first.job_variables is not None
    assert first.job_variables["env"] == {
        "TOKEN": "{{ blocks.secret.token }}",
        "CITY": "{{ variables.city }}",
    }


def test_builds_are_made_once_and_filled_in(folder: Path) -> None:
    said: list[str] = []

    first, second = build_and_push(read_project(folder / "prefect.yaml"), say=said.append)

    assert first.job_variables is not None
    assert first.job_variables["image"] == "registry/flows:abc123"
    assert second.job_variables is None
    calls = (folder / "docker.log").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["build", "push"]
    assert "--tag registry/flows:abc123" in calls[0]
    assert said == [
        "Building: run_shell_script, build_docker_image",
        "Pushing: push_docker_image",
    ]


def test_a_build_that_fails_stores_nothing(folder: Path) -> None:
    (folder / "tools" / "docker").write_text("#!/bin/sh\necho no space left\nexit 1\n")

    with pytest.raises(EntrypointError, match="docker ended with exit code 1: no space left"):
        build_and_push(read_project(folder / "prefect.yaml"), say=lambda _: None)


def test_pull_steps_are_stored_under_our_names(folder: Path) -> None:
    first, second = read_project(folder / "prefect.yaml")

    (clone,) = list(input_of(daily(), spec=first).pull_steps or [])
    (work,) = list(input_of(daily(), spec=second).pull_steps or [])

    assert clone == {
        "headgate.deployments.steps.git_clone": {
            "repository": "https://github.com/org/repo.git",
            "branch": "main",
            "access_token": "{{ blocks.secret.token }}",
        }
    }
    assert work == {"headgate.deployments.steps.set_working_directory": {"directory": "/srv"}}


def test_an_unknown_key_is_named(folder: Path) -> None:
    (folder / "prefect.yaml").write_text("deployment: []\n")

    with pytest.raises(SettingsError, match="did you mean deployments"):
        read_project(folder / "prefect.yaml")


def stored(**changes: Any) -> DeploymentAnswer:
    values: dict[str, Any] = {
        "id": "dep_1",
        "name": "by-hand",
        "flow": Named(id="flow_1", name="daily"),
        "version": 1,
        "paused": False,
        "tags": [],
        "schedules": [],
        "parameters": {},
        "job_variables": {},
        "entrypoint": "flows.py:daily",
        "parameter_schema": daily().parameter_schema(),
        "pull_steps": [{"headgate.deployments.steps.set_working_directory": {"directory": "/srv"}}],
        "work_pool": Named(id="pool_1", name="local"),
    }
    return DeploymentAnswer(**{**values, **changes})


def plan(folder: Path, before: DeploymentAnswer | None) -> Plan:
    _, second = read_project(folder / "prefect.yaml")
    return plan_of(input_of(daily(), spec=second), stored=before)


def test_a_plan_says_what_is_new(folder: Path) -> None:
    found = plan(folder, None)

    assert (found.deployment, found.verb) == ("daily/by-hand", "create")
    assert {change.field for change in found.changes} >= {"entrypoint", "work_pool"}


def test_a_plan_says_what_changes(folder: Path) -> None:
    found = plan(folder, stored(parameters={"count": 3}, entrypoint="old.py:daily"))

    assert found.verb == "change"
    assert {change.field: (change.before, change.after) for change in found.changes} == {
        "entrypoint": ("old.py:daily", "flows.py:daily"),
        "parameters": ({"count": 3}, {}),
    }


def test_a_plan_of_what_is_there_changes_nothing(folder: Path) -> None:
    assert plan(folder, stored()) == Plan("daily/by-hand", "keep")


def test_a_plan_is_data(folder: Path) -> None:
    assert json.loads(json.dumps(plan(folder, None).verb)) == "create"


def read_one(folder: Path, text: str) -> DeploymentSpec:
    (folder / "prefect.yaml").write_text(text)
    (spec,) = read_project(folder / "prefect.yaml")
    return spec


ONE = """
deployments:
- name: one
  entrypoint: flows.py:daily
  work_pool: {name: default}
  %s
"""


@pytest.mark.parametrize(
    ("line", "length"),
    [
        ("schedules: [{interval: PT10M}]", timedelta(minutes=10)),
        ("schedules: [{interval: P1DT2H}]", timedelta(days=1, hours=2)),
        ("schedules: [{interval: '1:30:00'}]", timedelta(minutes=90)),
        ("schedules: [{interval: 600, timezone: America/Chicago}]", timedelta(minutes=10)),
        ("schedules: [{interval: 600}]\n  schedule: null", timedelta(minutes=10)),
    ],
)
def test_intervals_are_read_however_they_are_written(
    tmp_path: Path, line: str, length: timedelta
) -> None:
    spec = read_one(tmp_path, ONE % line)

    assert spec.schedules == [Interval(every=length)]


def test_what_anchors_name_may_stand_at_the_top(tmp_path: Path) -> None:
    text = "x-common: &c {image: a}\nmine: 1\n" + ONE % "job_variables: *c"

    assert read_one(tmp_path, text).job_variables == {"image": "a"}
    own = tmp_path / "headgate.yaml"
    own.write_text(text)
    with pytest.raises(SettingsError, match="unknown key 'mine'"):
        read_project(own)


def test_infrastructure_retries_are_read_and_stored(tmp_path: Path) -> None:
    lines = (
        "{on_agent_lost: RETRY, infrastructure_retries: 2, abandon_after: 5m, late_threshold: 30}"
    )
    text = ONE % "\n  ".join(lines.strip("{}").split(", "))

    spec = read_one(tmp_path, text)
    stored = input_of(Flow(lambda: None, name="daily"), spec=spec)

    assert (stored.on_agent_lost, stored.infrastructure_retries) == ("RETRY", 2)
    assert (stored.abandon_after, stored.late_threshold) == ("PT300S", "PT30S")
