"""A secret that a process has read is not stored where others read it: it is refused before."""

from collections.abc import Callable
from typing import Any

import pytest

from headgate.errors import ParameterError, ServerUnavailableError
from headgate.flow_runs import resume_flow_run
from headgate.input import send_input
from headgate.redaction import redactor
from headgate.variables import Variable

SECRET = 'correct "horse" of variables'
RUN = "run_00000000000000000000000001"

pytestmark = pytest.mark.usefixtures("away")


def set_variable(value: Any) -> None:
    Variable.set("it", value, overwrite=True)


def tag_variable(value: Any) -> None:
    Variable.set("it", 1, tags=[str(value)])


def send(value: Any) -> None:
    send_input(value, RUN)


def respond(value: Any) -> None:
    resume_flow_run(RUN, {"it": value})


@pytest.mark.parametrize("store", [set_variable, tag_variable, send, respond])
@pytest.mark.parametrize("value", [f"x{SECRET}", {"a": [{SECRET: 1}]}])
def test_what_has_a_secret_in_it_is_refused(store: Callable[[Any], None], value: object) -> None:
    redactor.add(SECRET)

    with pytest.raises(ParameterError, match="has a secret in it, which would") as refused:
        store(value)

    assert "horse" not in str(refused.value)


@pytest.mark.parametrize("store", [set_variable, tag_variable, send, respond])
def test_what_has_none_is_sent(store: Callable[[Any], None]) -> None:
    with pytest.raises(ServerUnavailableError):
        store({"a": "horses"})
