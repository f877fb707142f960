"""``headgate deploy --all``: everything in a file, in one step."""

import json
from pathlib import Path

import pytest

from tests.client.cli.commands import Done, headgate_here
from tests.fixtures.installation import Installation

pytestmark = pytest.mark.e2e

FLOWS = """
from headgate import flow


@flow
def one():
    pass


@flow
def two():
    pass
"""
FILE = """
deployments:
  - {{name: all-{name}, entrypoint: "flows.py:one", work_pool: default, version: "2"}}
  - name: all-{name}
    entrypoint: flows.py:two
    work_pool: {pool}
    triggers: [{{type: event}}]
    sla: [{{name: late}}]
    schedules: [{{cron: "0 6 * * *", max_scheduled_runs: 3}}]
"""


def deploy(shared: Installation, folder: Path, *, pool: str) -> Done:
    (folder / "flows.py").write_text(FLOWS)
    (folder / "headgate.yaml").write_text(FILE.format(pool=pool, name=folder.name[-20:]))
    return command(shared, folder, "deploy", "--all", "-o", "json")


def command(shared: Installation, folder: Path, *arguments: str) -> Done:
    environment = {
        "HEADGATE_HOME": str(folder / "home"),
        "HEADGATE_API_URL": shared.url,
        "HEADGATE_API_KEY": shared.api_key,
        "HEADGATE_WORKSPACE": shared.workspace,
    }
    return headgate_here(*arguments, environment=environment, folder=folder)


def test_one_that_is_refused_leaves_all_as_they_were(shared: Installation, tmp_path: Path) -> None:
    refused = deploy(shared, tmp_path, pool="no-such-pool")

    assert refused.code == 4
    assert "There is no work pool 'no-such-pool'" in refused.err
    found = command(shared, tmp_path, "deployments", "list", "-o", "json").out
    assert f"all-{tmp_path.name[-20:]}" not in {one["name"] for one in json.loads(found)}


def test_all_are_stored_and_what_is_left_out_is_named(shared: Installation, tmp_path: Path) -> None:
    done = deploy(shared, tmp_path, pool="default")

    assert done.code == 0, done.err
    assert [one["flow"]["name"] for one in json.loads(done.out)] == ["one", "two"]
    for key in ("triggers", "sla", "schedules: max_scheduled_runs"):
        assert f": {key} is not stored with a deployment: it is left out" in done.err


THEIRS = """
x-common: &common {{name: "{{{{ prefect.variables.deploy-pool }}}}"}}
deployments:
  - name: theirs-{name}
    entrypoint: team_flows.one
    work_pool: *common
    tags: ["team-{{{{ prefect.variables.deploy-team }}}}"]
"""


def test_variables_that_a_deployment_names_are_read_as_it_is_stored(
    shared: Installation, tmp_path: Path
) -> None:
    (tmp_path / "team_flows.py").write_text(FLOWS)
    (tmp_path / "prefect.yaml").write_text(THEIRS.format(name=tmp_path.name[-20:]))
    chosen = ("deploy", "-n", "one/theirs-*", "-o", "json")

    missing = command(shared, tmp_path, *chosen)
    for name, value in (("deploy-pool", "default"), ("deploy-team", "data")):
        assert command(shared, tmp_path, "variables", "set", name, value).code == 0
    done = command(shared, tmp_path, *chosen)

    assert missing.code != 0
    assert "There is no variable 'deploy-pool'" in missing.err
    assert done.code == 0, done.err
    stored = json.loads(done.out)
    assert (stored["workPool"]["name"], stored["tags"]) == ("default", ["team-data"])


def test_only_what_changed_is_said_to_have(shared: Installation, tmp_path: Path) -> None:
    first = deploy(shared, tmp_path, pool="default")
    again = deploy(shared, tmp_path, pool="default")
    file = tmp_path / "headgate.yaml"
    file.write_text(file.read_text() + "    description: another\n")
    other = command(shared, tmp_path, "deploy", "--all", "-o", "json")

    name = f"all-{tmp_path.name[-20:]}"
    assert (first.err.count("Created "), first.err.count("Changed ")) == (2, 0)
    assert (again.err.count("Created "), again.err.count("Changed ")) == (0, 0)
    assert "2 of 2 deployments are as before." in again.err
    assert [line for line in other.err.splitlines() if "Changed" in line] == [
        f"Changed two/{name}; `headgate deployments run two/{name}` runs it."
    ]
    assert "1 of 2 deployments is as before." in other.err
