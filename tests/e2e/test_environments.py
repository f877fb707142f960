"""Deployments with an environment of their own: built once, offline from a local wheel, by uv."""

from pathlib import Path
from typing import Any

import pytest

from headgate.api.deployments import DeploymentAnswer
from tests.fixtures.journeys import FLOWS, Journey
from tests.fixtures.wheels import write_wheel

pytestmark = pytest.mark.e2e

FILE = FLOWS.with_name("user_flows_environments.py")


async def deploy(journey: Journey, **variables: Any) -> DeploymentAnswer:
    """Deploy the flow with job variables; nothing is looked for on a network."""
    return await journey.deploy("greets", file=FILE, env={"UV_OFFLINE": "1"}, variables=variables)


def found(journey: Journey) -> list[tuple[str, Path]]:
    """Return what runs found: the words of the wheel, and where their environment was."""
    lines = (journey.folder / "greetings").read_text().splitlines()
    return [(words, Path(place)) for words, _, place in (line.partition(" ") for line in lines)]


async def test_runs_at_once_share_an_environment_that_is_built_once(journey: Journey) -> None:
    wheel = write_wheel(journey.folder, "greeting", "WORDS = 'hello'")
    deployment = await deploy(journey, requirements=[f"{wheel}  # a comment"])

    # More than an event loop has threads here: those who wait must not stop who builds.
    run_ids = [await journey.start(deployment) for _ in range(9)]

    assert await journey.all_ended(run_ids, within_seconds=60) == ["Completed"] * 9
    assert [words for words, _ in found(journey)] == ["hello"] * 9
    (place,) = {place for _, place in found(journey)}
    log = "".join(process.log for process in journey.installation.processes)
    assert log.count(f"Building the environment {place.name}") == 1
    assert (place / "requirements.lock").read_text() == f"greeting @ file://{wheel}\n"


async def test_other_requirements_have_another_environment(journey: Journey) -> None:
    for words in ("one", "two"):
        folder = journey.folder / words
        folder.mkdir()
        wheel = write_wheel(folder, "greeting", f"WORDS = {words!r}")
        run_id = await journey.start(await deploy(journey, requirements=[str(wheel)]))
        assert await journey.records.ended(run_id, within_seconds=60) == "Completed"

    (first, first_place), (second, second_place) = found(journey)
    assert (first, second) == ("one", "two")
    assert first_place != second_place


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"requirements": ["nothing-like-this==1"]}, "Its environment could not be built: "),
        ({"requirements": ["pydantic<1"]}, "pydantic"),
        ({"requirements": {"a": 1}}, "requirements must be a list of texts"),
        ({"virtual_environment": "/nowhere"}, "The virtual environment /nowhere is not on this"),
        ({"python": "3.99"}, "Its environment could not be built: "),
    ],
    ids=["missing", "conflict", "malformed", "nowhere", "python"],
)
async def test_environment_that_cannot_be_had_fails_the_run_and_says_why(
    journey: Journey, variables: dict[str, Any], said: str
) -> None:
    run_id = await journey.start(await deploy(journey, **variables))

    assert await journey.records.ended(run_id) == "Failed"
    assert said in await journey.records.message(run_id)


async def test_virtual_environment_that_is_there_is_used(journey: Journey) -> None:
    wheel = write_wheel(journey.folder, "greeting", "WORDS = 'hello'")
    built = await journey.start(await deploy(journey, requirements=[str(wheel)]))
    assert await journey.records.ended(built, within_seconds=60) == "Completed"
    ((_, place),) = found(journey)

    run_id = await journey.start(await deploy(journey, virtual_environment=str(place)))

    assert await journey.records.ended(run_id) == "Completed"
    assert found(journey)[1] == ("hello", place)
