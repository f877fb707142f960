"""A secret that a process has read is not stored where others read it: it is refused before."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import Field, create_model

from headgate import flow
from headgate.artifacts import create_markdown_artifact
from headgate.deployments import run_deployment
from headgate.errors import ParameterError, ServerUnavailableError
from headgate.flow_runs import pause_flow_run, resume_flow_run, suspend_flow_run
from headgate.input import RunInput, send_input
from headgate.redaction import redactor
from headgate.variables import Variable
from tests.client.recording_server import RecordingServer

SECRET = 'correct "horse" of variables'
RUN = "run_00000000000000000000000001"

pytestmark = pytest.mark.usefixtures("away")


class Order(RunInput):
    number: Any


def set_variable(value: Any) -> None:
    Variable.set("it", value, overwrite=True)


def tag_variable(value: Any) -> None:
    Variable.set("it", 1, tags=[str(value)])


def send(value: Any) -> None:
    send_input(value, RUN)


def respond(value: Any) -> None:
    resume_flow_run(RUN, {"it": value})


def send_under(value: Any) -> None:
    send_input(1, RUN, key_prefix=str(value))


def keep_artifact(value: Any) -> None:
    create_markdown_artifact("x", key=str(value))


def start_under(value: Any) -> None:
    run_deployment("flow/deployment", idempotency_key=str(value))


def ask_to_fill_in(value: Any) -> None:
    pause_flow_run(Order.with_initial_data(number=value))


def ask_for_a_field(value: Any) -> None:
    field: Any = Field(default=1, description=str(value))
    pause_flow_run(create_model("Described", __base__=RunInput, number=(int, field)))


def ask_under(value: Any) -> None:
    pause_flow_run(key=str(value))


def ask_to_start_again(value: Any) -> None:
    suspend_flow_run(Order.with_initial_data(number=value))


@pytest.mark.parametrize(
    "store", [set_variable, tag_variable, send, send_under, respond, keep_artifact, start_under]
)
@pytest.mark.parametrize("value", [f"x{SECRET}", {"a": [{SECRET: 1}]}])
def test_what_has_a_secret_in_it_is_refused(store: Callable[[Any], None], value: object) -> None:
    redactor.add(SECRET)

    with pytest.raises(ParameterError, match="has a secret in it, which would") as refused:
        store(value)

    assert "horse" not in str(refused.value)


@pytest.mark.parametrize("ask", [ask_to_fill_in, ask_for_a_field, ask_under, ask_to_start_again])
def test_a_pause_asks_for_nothing_with_a_secret_in_it(
    server: RecordingServer, ask: Callable[[Any], None]
) -> None:
    redactor.add(SECRET)

    @flow
    def work() -> None:
        ask(f"x{SECRET}")

    with pytest.raises(ParameterError, match="What the pause asks for has a secret in it"):
        work()

    assert "FlowRunPause" not in {call.operation for call in server.calls}


@pytest.mark.parametrize("store", [set_variable, tag_variable, send, respond])
def test_what_has_none_is_sent(store: Callable[[Any], None]) -> None:
    with pytest.raises(ServerUnavailableError):
        store({"a": "horses"})
