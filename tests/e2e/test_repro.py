"""``headgate repro``: a run of an agent that failed, once more in a process of one's own."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.cli.commands import Done, headgate
from tests.e2e.test_reruns import AGAIN, times
from tests.fixtures.journeys import Journey

pytestmark = pytest.mark.e2e

SECONDS = 60


def environment(journey: Journey, **variables: str) -> dict[str, str]:
    """Return what leads the command to the installation, and to what its agent kept."""
    installation = journey.installation
    return {
        "HEADGATE_HOME": str(journey.folder / "home"),
        "HEADGATE_API_URL": installation.url,
        "HEADGATE_API_KEY": installation.api_key,
        "HEADGATE_WORKSPACE": installation.workspace,
        "HEADGATE_RESULT_STORAGE": str(installation.home("agent") / "results"),
        **variables,
    }


def repro(journey: Journey, run_id: str, *arguments: str, **variables: str) -> Done:
    return headgate(
        *("repro", run_id, *arguments, "-o", "json"),
        environment=environment(journey, **variables),
        folder=journey.folder,
    )


def kept(journey: Journey, run_id: str) -> list[tuple[str, int]]:
    """Return what is kept of a run on the agent's machine."""
    folder = journey.installation.home("agent") / "results" / "kept" / run_id
    return sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())


async def failed(journey: Journey) -> str:
    run_id = await journey.start(await journey.deploy("breaks", file=AGAIN))
    assert await journey.records.ended(run_id) == "Failed"
    return run_id


async def test_failed_run_fails_here_with_the_results_that_it_kept(journey: Journey) -> None:
    run_id = await failed(journey)
    before = kept(journey, run_id)

    done = repro(journey, run_id)

    assert done.code == 7, done.err
    told = json.loads(done.out)
    number = number_of(journey)
    assert (told["was"], told["state"]) == ("Failed", "Failed")
    assert told["message"] == f"ValueError: {number}"
    assert "raise ValueError(number)" in done.err
    assert times(journey, run_id, "extract", "draw", "load") == [1, 2, 2]
    assert kept(journey, run_id) == before
    assert len(await journey.records.attempts(run_id)) == 1


async def test_mended_run_completes_here_and_stays_failed_there(journey: Journey) -> None:
    run_id = await failed(journey)
    before = kept(journey, run_id)
    journey.open("mended")

    done = repro(journey, run_id, "--no-debug")

    assert (done.code, json.loads(done.out)["state"]) == (0, "Completed")
    # The number of the first attempt is what this one saw.
    assert len(journey.executions(run_id, "same")) == 1
    assert kept(journey, run_id) == before
    assert (await journey.records.run(run_id))["state_name"] == "Failed"


async def test_results_out_of_reach_are_said_and_made_again_on_demand(journey: Journey) -> None:
    run_id = await failed(journey)
    elsewhere = str(journey.folder / "nothing")

    refused = repro(journey, run_id, HEADGATE_RESULT_STORAGE=elsewhere)
    again = repro(journey, run_id, "--again", HEADGATE_RESULT_STORAGE=elsewhere)

    assert refused.code == 1
    assert "are kept on the machine of agent agent, and not in Folder" in refused.err
    assert "--again" in refused.err
    assert again.code == 7
    assert times(journey, run_id, "extract", "load") == [2, 2]
    assert not (journey.folder / "nothing").exists()


async def test_code_that_is_not_here_is_said_and_looked_for_where_somebody_says(
    journey: Journey,
) -> None:
    steps = [{"headgate.deployments.steps.set_working_directory": {"directory": str(AGAIN.parent)}}]
    deployment = await journey.deploy("breaks", file=Path(AGAIN.name), pull_steps=steps)
    run_id = await journey.start(deployment)
    assert await journey.records.ended(run_id) == "Failed"

    pulled = repro(journey, run_id)
    there = repro(journey, run_id, "--code", str(AGAIN.parent))
    nowhere = repro(journey, run_id, "--code", str(journey.folder))

    assert (pulled.code, there.code, nowhere.code) == (7, 7, 1), pulled.err
    assert "The code of the run cannot be had here: There is no file" in nowhere.err
    assert "--code FOLDER" in nowhere.err


async def test_debugger_opens_at_the_line_that_failed(journey: Journey) -> None:
    run_id = await failed(journey)
    code, out, said = await asyncio.to_thread(debug, journey, run_id)

    number = number_of(journey)
    assert code == 7, said
    assert f"('the number is', {number})" in said
    assert "raise ValueError(number)" in said
    assert said.count("The debugger is at the line that failed") == 1
    assert run_id in out


def number_of(journey: Journey) -> str:
    """Return the number that the first attempt failed with."""
    return Path(journey.folder, "number").read_text()


def debug(journey: Journey, run_id: str) -> tuple[int, str, str]:
    """Type into the debugger; return the exit code, the data, and what the terminal showed."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "headgate", "repro", run_id],
        env={**clean, **environment(journey), "TERM": "dumb"},
        cwd=journey.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, b"p 'the number is', number\nq\n")

    out, _ = process.communicate(timeout=SECONDS)
    return process.returncode, out.decode(), read_all(ours)


def read_all(descriptor: int) -> str:
    """Return what a terminal showed, once its process is gone."""
    said = b""
    try:
        while chunk := os.read(descriptor, 65536):
            said += chunk
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return said.decode(errors="replace")
