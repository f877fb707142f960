"""``headgate init``: a project file for what is in the folder, and it can be read."""

from pathlib import Path

import pytest

from headgate.deployments.project_file import read_project
from tests.client.cli.commands import Done, headgate_here
from tests.fixtures.git_server import git

FLOWS = """
from headgate import flow


@flow
def daily() -> None: ...


@flow(name="x")
async def nightly() -> None: ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "project"
    (made / "etl").mkdir(parents=True)
    (made / "etl" / "flows.py").write_text(FLOWS)
    (made / "broken.py").write_text("def (:\n")
    monkeypatch.chdir(made)
    return made


def init(folder: Path, *arguments: str) -> Done:
    return headgate_here("init", *arguments, environment={}, folder=folder)


def test_each_flow_becomes_a_deployment(folder: Path) -> None:
    done = init(folder, "--pool", "k8s")

    assert done.code == 0, done.err
    found = read_project(folder / "headgate.yaml")
    assert [(spec.entrypoint, spec.work_pool) for spec in found] == [
        ("etl/flows.py:daily", "k8s"),
        ("etl/flows.py:nightly", "k8s"),
    ]


def test_a_repository_is_pulled_from_without_its_secret(folder: Path) -> None:
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", "https://ada:hunter2@example.com/flows.git")

    done = init(folder)

    assert done.code == 0, done.err
    steps = read_project(folder / "headgate.yaml")[0].pull_steps
    assert steps == [
        {
            "headgate.deployments.steps.git_clone": {
                "repository": "https://example.com/flows.git",
                "branch": "main",
            }
        }
    ]


def test_an_image_is_built_by_its_recipe(folder: Path) -> None:
    done = headgate_here(
        "init", "--recipe", "docker", "--image", "registry/flows", environment={}, folder=folder
    )

    assert done.code == 0, done.err
    first = read_project(folder / "headgate.yaml")[0]
    assert first.job_variables == {"image": "{{ build-image.image }}"}
    assert first.build_steps is not None


def test_a_file_that_is_there_stays(folder: Path) -> None:
    (folder / "headgate.yaml").write_text("deployments: []\n")

    done = init(folder)

    assert (done.code, (folder / "headgate.yaml").read_text()) == (5, "deployments: []\n")
    assert "--force" in done.err
