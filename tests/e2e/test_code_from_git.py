"""Runs that have their code from a Git server, and flows that serve themselves."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.api import deployments, reproductions
from tests.client.cli.commands import headgate
from tests.fixtures.deadlines import eventually
from tests.fixtures.git_server import git_server
from tests.fixtures.journeys import Journey
from tests.fixtures.leashed import Leashed

pytestmark = pytest.mark.e2e

FLOWS = """
from pathlib import Path

from headgate import flow, runtime


@flow
def from_git(folder: str) -> None:
    Path(folder, "seen").write_text(f"{Path.cwd().name} {WORD}")


WORD = {word!r}
"""


def environment_of(journey: Journey) -> dict[str, str]:
    """Return what leads a process to the installation."""
    return {
        "HEADGATE_HOME": str(journey.folder / "home"),
        "HEADGATE_API_URL": journey.installation.url,
        "HEADGATE_API_KEY": journey.installation.api_key,
        "HEADGATE_WORKSPACE": journey.installation.workspace,
    }


async def test_a_run_has_the_commit_of_its_branch(journey: Journey) -> None:
    repositories = journey.folder / "repositories"
    repositories.mkdir()
    with git_server(repositories) as server:
        old = server.commit("flows", {"etl/flows.py": FLOWS.replace("{word!r}", "'first'")})
        steps: list[dict[str, Any]] = [
            {
                "prefect.deployments.steps.git_clone": {
                    "id": "clone",
                    "repository": f"{server.url}/flows.git",
                    "branch": "main",
                }
            },
            {
                "headgate.deployments.steps.set_working_directory": {
                    "directory": "{{ clone.directory }}/etl"
                }
            },
        ]
        deployment = await journey.deploy("from_git", file=Path("flows.py"), pull_steps=steps)

        first = await journey.start(deployment)
        assert await journey.records.ended(first) == "Completed"
        before = (journey.folder / "seen").read_text()
        new = server.commit("flows", {"etl/flows.py": FLOWS.replace("{word!r}", "'second'")})
        second = await journey.start(deployment)
        assert await journey.records.ended(second) == "Completed"
        after = (journey.folder / "seen").read_text()
        again = await asyncio.to_thread(
            headgate,
            "repro",
            first,
            environment=environment_of(journey),
            folder=journey.folder,
        )
        told = [
            await reproductions.get(journey.transport, flow_run_id=id_) for id_ in (first, second)
        ]

    assert (before, after) == ("etl first", "etl second")
    assert [run.commits for run in told] == [
        {f"{server.url}/flows.git": old},
        {f"{server.url}/flows.git": new},
    ]
    assert (again.code, (journey.folder / "seen").read_text()) == (0, "etl first"), again.err


SERVED = """
from pathlib import Path

from headgate import flow


@flow
def served(folder: str) -> None:
    Path(folder, "served").touch()


if __name__ == "__main__":
    served.serve(name="here", limit=2, tags=["own"])
"""


async def test_a_flow_serves_itself_until_it_is_stopped(journey: Journey) -> None:
    (journey.folder / "serving.py").write_text(SERVED)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HEADGATE_")}
    environment = {**clean, **environment_of(journey)}
    organization, _, workspace = journey.installation.workspace.partition("/")

    async def stored() -> Any:
        return await deployments.find(
            journey.transport,
            organization=organization,
            workspace=workspace,
            flow_name="served",
            name="here",
        )

    command = [sys.executable, str(journey.folder / "serving.py")]
    log = journey.folder / "serving.log"
    with Leashed("serving", command, environment=environment, log=log) as process:
        found = await eventually(stored, within_seconds=30, what="The deployment")
        run_id = await journey.start(found, parameters={"folder": str(journey.folder)})
        assert await journey.records.ended(run_id) == "Completed"
        assert process.stop() == 0, process.log

    assert (journey.folder / "served").exists()
    assert (found.tags, (await stored()).paused) == (["own"], True)
