"""Runs of an agent that allows nothing: what becomes of them says what its operator has to do."""

import pytest

from headgate.api import blocks
from headgate.api.blocks import NewType
from tests.fixtures.journeys import Journey

pytestmark = pytest.mark.e2e

SECRET = NewType(
    slug="secret", name="Secret", fields={"properties": {"value": {"writeOnly": True}}}
)
TEMPLATE = "{{ blocks.secret.named }}"


@pytest.fixture
async def named(journey: Journey) -> None:
    """A block that names a variable of the agent's environment."""
    await blocks.register(journey.transport, workspace_id=journey.workspace_id, new=SECRET)
    await blocks.save(
        journey.transport,
        workspace_id=journey.workspace_id,
        type_slug="secret",
        name="named",
        data={"value": {"$secret": {"provider": "env", "name": "PATH"}}},
    )


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"env": {"X": TEMPLATE}}, "Its job variables name a block that it cannot read"),
        ({"parameters": {"gate": TEMPLATE}}, "The parameters name a block that the run cannot"),
    ],
)
async def test_a_run_does_not_start_without_its_secrets(
    journey: Journey, options: dict[str, dict[str, str]], said: str
) -> None:
    run_id = await journey.run("held", **options)

    assert await journey.records.ended(run_id) == "Failed"
    message = await journey.records.message(run_id)
    assert said in message
    assert "secret/named, value: blocks may not read the variable PATH here" in message
    assert "HEADGATE_SECRET_ENV=PATH" in message
    assert journey.executions(run_id) == []
