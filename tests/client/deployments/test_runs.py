"""What ``run_deployment`` refuses before it asks a server; what it does is in the e2e tests."""

import pytest
from pydantic import BaseModel

from headgate.deployments import arun_deployment, run_deployment
from headgate.errors import ParameterError, ServerUnavailableError, SettingsError
from headgate.redaction import redactor

SECRET = "correct-horse-of-runs"


class Order(BaseModel):
    """A parameter with a JSON form of its own."""

    number: int


def test_without_a_server_there_is_no_deployment() -> None:
    with pytest.raises(SettingsError):
        run_deployment("flow/deployment")


@pytest.mark.usefixtures("away")
def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(ParameterError, match="'it' has no JSON form"):
        run_deployment("flow/deployment", parameters={"it": [object()]})


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("value", [SECRET, {"a": [f"x{SECRET}"]}, [{SECRET: 1}]])
def test_a_secret_is_not_passed_on(value: object) -> None:
    redactor.add(SECRET)

    with pytest.raises(ParameterError, match="'it' has a secret in it") as refused:
        run_deployment("flow/deployment", parameters={"it": value})

    assert SECRET not in str(refused.value)


@pytest.mark.usefixtures("away")
@pytest.mark.anyio
async def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(ServerUnavailableError):
        await arun_deployment("flow/deployment", parameters={"it": Order(number=3)})
