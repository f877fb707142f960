"""What the command line asks a server for as it is typed, and the newer verbs, each once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.cli.commands import Done, headgate, headgate_here
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import Journey

pytestmark = pytest.mark.e2e

SCRIPT = """
source <(headgate completion bash)
COMP_WORDS=(headgate deployments get "$1"); COMP_CWORD=3
_headgate_names
printf '%s\\n' "${COMPREPLY[@]}"
"""


def environment(shared: Installation, folder: Path) -> dict[str, str]:
    return {
        "HEADGATE_HOME": str(folder / "home"),
        "HEADGATE_API_URL": shared.url,
        "HEADGATE_API_KEY": shared.api_key,
        "HEADGATE_WORKSPACE": shared.workspace,
    }


def here(journey: Journey, *arguments: str) -> Done:
    given = environment(journey.installation, journey.folder)
    return headgate_here(*arguments, environment=given, folder=journey.folder)


def completed(journey: Journey, typed: str) -> list[str]:
    """Return what bash offers after ``headgate deployments get`` and what was typed."""
    bin_folder = Path(sys.executable).parent
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "bash", typed],
        env={
            **clean,
            **environment(journey.installation, journey.folder),
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        },
        cwd=journey.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


async def test_names_are_completed_and_never_carried_out(journey: Journey) -> None:
    name = journey.folder.name
    await journey.deploy("quick")
    hostile = f"held/{name} $(touch carried-out)"
    pool = {"workspaceId": journey.workspace_id, "flowName": "held", "name": hostile[5:]}
    document = (
        "mutation ($i: DeploymentUpsertInput!) { deploymentUpsert(input: $i) { created errors "
        "{ message } } }"
    )
    stored = here(journey, "api", document, "-F", f"i={json.dumps(pool)}")

    assert json.loads(stored.out)["deploymentUpsert"] == {"created": True, "errors": []}
    assert completed(journey, f"quick/{name[:-1]}") == [f"quick/{name}"]
    (offered,) = completed(journey, f"held/{name}")
    assert offered.replace("\\", "") == hostile
    assert not (journey.folder / "carried-out").exists()


async def test_document_is_read_from_a_file_and_from_standard_input(journey: Journey) -> None:
    file = journey.folder / "viewer.graphql"
    file.write_text("query A { serverInfo { version } } query B { viewer { __typename } }")
    given = environment(journey.installation, journey.folder)

    both = here(journey, "api", "--file", str(file))
    chosen = here(journey, "api", "--file", str(file), "--operation", "B")
    piped = headgate("api", "-f", "-", environment=given, folder=journey.folder, stdin="{ nope }")

    assert (both.code, chosen.code, piped.code) == (2, 0, 1)
    assert "Say --operation and one of: A, B." in both.err
    assert json.loads(chosen.out) == {"viewer": {"__typename": "Viewer"}}
    assert "nope" in piped.err


async def test_task_runs_pools_and_events_have_verbs(lonely: Journey) -> None:
    agent = lonely.installation.start_agent(pool=lonely.pool, name=lonely.pool)
    run_id = await lonely.run("quick")
    assert await lonely.records.ended(run_id) == "Completed"
    assert agent.stop() == 0

    tasks = here(lonely, "task-runs", "list", run_id, "--state", "completed", "-o", "json")
    failed = here(lonely, "task-runs", "list", run_id, "--state", "failed", "-o", "json")
    paused = here(lonely, "work-pools", "pause", lonely.pool, "-o", "json")
    resumed = here(lonely, "work-pools", "resume", lonely.pool, "-o", "json")
    told = here(lonely, "events", "emit", "acme.shipped", "--resource", "a", "--payload", '{"n":1}')

    (task,) = json.loads(tasks.out)
    assert (task["taskKey"], task["state"]["name"]) == ("double", "Completed")
    assert json.loads(failed.out) == []
    assert [json.loads(done.out)["paused"] for done in (paused, resumed)] == [True, False]
    assert told.out.startswith("evt_"), told.err
