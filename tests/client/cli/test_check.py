"""``headgate check``: what it says of flows and deployments, with a server and without."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.cli.commands import Done, headgate_here
from tests.e2e.dev_server import DevServer

FLOWS = """
from headgate import flow

@flow
def add(left: int, right: int = 1) -> int:
    return left + right

@flow
def fail() -> None:
    raise ValueError("no luck")
"""
PROJECT = """
deployments:
  - name: good
    entrypoint: flows.py:add
    work_pool: {name: default}
    parameters: {left: 1}
    schedules: [{cron: "0 6 * * *", timezone: Europe/Berlin}]
  - name: bad
    entrypoint: flows.py:ad
    work_pool: default
  - {name: homeless, entrypoint: "flows.py:fail"}
  - name: wrong
    entrypoint: flows.py:add
    work_pool: default
    parameters: {left: 1, rihgt: 2}
    pull: [{headgate.deployments.steps.git_clon: {}}]
    triggers: [{}]
  - name: lacking
    entrypoint: flows.py:add
    work_pool: default
    schedules:
      - {cron: "0 6 * *", slug: a}
      - {cron: "0 6 * * *", timezone: Europe/Berln, slug: a, parameters: {left: 2}}
"""


def checked(folder: Path, *arguments: str) -> Done:
    return headgate_here(
        "check", *arguments, environment={"HEADGATE_HOME": str(folder / "home")}, folder=folder
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows.py").write_text(FLOWS)
    return tmp_path


def test_flows_of_a_folder_and_of_a_file_are_imported(folder: Path) -> None:
    whole = checked(folder)
    file = checked(folder, "flows.py")
    one = checked(folder, "flows.py:add")
    misspelt = checked(folder, "flows.py:ad")

    assert [(done.code, done.out, done.err) for done in (whole, file, one)] == [
        (0, "", "2 flows checked: 0 errors, 0 warnings.\n"),
        (0, "", "2 flows checked: 0 errors, 0 warnings.\n"),
        (0, "", "1 flows checked: 0 errors, 0 warnings.\n"),
    ]
    assert (misspelt.code, "Did you mean add?" in misspelt.out) == (1, True)


def test_code_that_cannot_be_imported_is_an_error(folder: Path) -> None:
    (folder / "broken.py").write_text("import nowhere_to_be_found\n")
    (folder / "empty.py").write_text("x = 1\n")

    broken = checked(folder, "broken.py", "-o", "json")
    empty = checked(folder, "empty.py", "-o", "json")
    absent = checked(folder, "absent.py")

    (finding,) = json.loads(broken.out)
    assert (broken.code, finding["level"]) == (1, "error")
    (finding,) = json.loads(empty.out)
    assert (empty.code, finding["message"]) == (1, "empty.py holds no flow")
    assert (absent.code, "There is no absent.py" in absent.err) == (2, True)


def test_every_mistake_of_a_project_is_told(folder: Path) -> None:
    (folder / "headgate.yaml").write_text(PROJECT)

    done = checked(folder, "-o", "json")

    found = [(one["level"], one["where"], one["message"]) for one in json.loads(done.out)]
    assert done.code == 1
    assert "5 deployments checked: 7 errors, 2 warnings." in done.err
    assert not any(where.startswith("good") for _, where, _ in found)
    told = {
        where: [message for _, place, message in found if place == where] for _, where, _ in found
    }
    assert told["bad"] == ["'ad' in flows.py is not a flow; decorate it with @flow"]
    assert told["homeless"] == ["It names no work pool, so no agent runs it"]
    assert ("warning", "wrong", "triggers is not stored with a deployment") in found
    assert any("has no parameter 'rihgt'" in message for message in told["wrong"])
    assert any("git_clon' names no function" in message for message in told["wrong"])
    assert "Two schedules have the slug 'a'" in told["lacking"]
    assert any("lack left, which the flow requires" in message for message in told["lacking"])
    messages = " ".join(told["lacking: schedule a"])
    assert "does not have five fields" in messages
    assert "There is no time zone 'Europe/Berln'" in messages


def test_an_annotation_that_cannot_be_read_is_a_warning(folder: Path) -> None:
    (folder / "typed.py").write_text(
        "from __future__ import annotations\nfrom headgate import flow\n\n"
        "@flow\ndef load(count: int, frame: pandas.DataFrame | None = None) -> None: ...\n"
    )

    done = checked(folder, "typed.py", "-o", "json")

    (finding,) = json.loads(done.out)
    assert (done.code, finding["level"]) == (0, "warning")
    assert "The parameter frame takes anything" in finding["message"]
    assert "name 'pandas' is not defined" in finding["message"]


def test_strict_fails_for_warnings_and_a_broken_file_is_one_error(folder: Path) -> None:
    (folder / "headgate.yaml").write_text(
        'deployments: [{name: a, entrypoint: "flows.py:fail", work_pool: x, triggers: [{}]}]'
    )
    lenient, strict = checked(folder), checked(folder, "--strict")
    (folder / "headgate.yaml").write_text("deployments: {")
    broken = checked(folder, "headgate.yaml")

    assert (lenient.code, strict.code, broken.code) == (0, 1, 1)
    assert "No server is configured" in lenient.err
    assert "is not valid YAML" in broken.out


def test_a_deployment_without_a_name_here_stops_no_other(folder: Path) -> None:
    (folder / "headgate.yaml").write_text(
        "deployments:\n"
        "  - {name: a, entrypoint: 'flows.py:add', work_pool: x}\n"
        "  - {name: 'b-{{ $NOT_SET }}', entrypoint: '{{ $NOT_SET }}.py:add', work_pool: x}\n"
    )
    home = {"HEADGATE_HOME": str(folder / "home")}

    checks = json.loads(checked(folder, "-o", "json").out)
    own, every, other = (
        headgate_here("deploy", *which, environment=home, folder=folder)
        for which in (["-n", "a"], ["--all"], ["-n", "b-*"])
    )

    assert [one["where"] for one in checks] == ["b-{{ $NOT_SET }}"]
    assert "No server is configured" in own.err
    assert "$NOT_SET, which is not set" in every.err
    assert "$NOT_SET, which is not set" in other.err


@pytest.mark.e2e
def test_what_deployments_name_is_looked_up_on_the_server(
    folder: Path, cli_server: DevServer
) -> None:
    document: dict[str, Any] = {
        "deployments": [
            {
                "name": "a",
                "entrypoint": "flows.py:add",
                "work_pool": {"name": "default", "work_queue_name": "fast"},
                "parameters": {"left": "{{ variables.nowhere }}"},
                "blocks": ["secret/nobody"],
                "schedules": [{"cron": "0 25 * * *", "slug": "x"}],
            },
            {"name": "b", "entrypoint": "flows.py:fail", "work_pool": "defalt"},
        ]
    }
    (folder / "headgate.yaml").write_text(json.dumps(document))
    path = str(folder / "headgate.yaml")

    offline = cli_server.here("check", path, "--offline")
    found = json.loads(cli_server.here("check", path, "-o", "json").out)
    absent = cli_server.here(
        "check", path, HEADGATE_API_KEY="hg_key_wrong", HEADGATE_REQUEST_DEADLINE_SECONDS="0"
    )

    messages = {one["message"]: one for one in found}
    assert offline.code == 0, offline.out
    assert messages["The work pool default has no queue 'fast'"]["hint"].endswith(
        "`headgate work-queues list default` shows what there is."
    )
    assert "Did you mean default?" in messages["There is no work pool 'defalt'"]["hint"]
    assert {"There is no block 'secret/nobody'", "There is no variable 'nowhere'"} <= set(messages)
    assert any(one["where"] == "a: schedule x" for one in found)
    assert len(found) == 5
    assert (absent.code, "were not looked up" in absent.out) == (0, True)
