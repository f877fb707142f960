"""Runs that have their code from a Git server, and flows that serve themselves."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.api import deployments
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


async def test_a_run_has_the_commit_of_its_branch(journey: Journey) -> None:
    repositories = journey.folder / "repositories"
    repositories.mkdir()
    with git_server(repositories) as server:
        server.commit("flows", {"etl/flows.py": FLOWS.replace("{word!r}", "'first'")})
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

        assert await journey.records.ended(await journey.start(deployment)) == "Completed"
        before = (journey.folder / "seen").read_text()
        server.commit("flows", {"etl/flows.py": FLOWS.replace("{word!r}", "'second'")})
        assert await journey.records.ended(await journey.start(deployment)) == "Completed"

    assert (before, (journey.folder / "seen").read_text()) == ("etl first", "etl second")


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
    installation = journey.installation
    environment = {
        **clean,
        "HEADGATE_HOME": str(journey.folder / "home"),
        "HEADGATE_API_URL": installation.url,
        "HEADGATE_API_KEY": installation.api_key,
        "HEADGATE_WORKSPACE": installation.workspace,
    }
    organization, _, workspace = installation.workspace.partition("/")

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
