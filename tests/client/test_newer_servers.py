"""What a newer server says that this client does not know: it reads what it does know."""

import msgspec
import pytest

from headgate.api.flow_runs import LeaseVerdict
from headgate.api.states import StateAnswer
from headgate.api.work_stream import AgentDirective, read_message
from headgate.errors import ApiError, ServerFaultError, fault, refusal


def test_unknown_fields_are_left_out() -> None:
    state = msgspec.convert(
        {
            "type": "RUNNING",
            "name": "Running",
            "timestamp": "2026-11-01T00:00:00Z",
            "moods": ["new"],
        },
        StateAnswer,
    )

    assert (state.type, state.name) == ("RUNNING", "Running")


def test_unknown_members_of_enums_are_kept_as_they_are() -> None:
    state = msgspec.convert(
        {"type": "HIBERNATING", "name": "Asleep", "timestamp": "2026-11-01T00:00:00Z"}, StateAnswer
    )
    verdict = msgspec.convert({"runId": "run_1", "epoch": 1, "outcome": "LENT"}, LeaseVerdict)
    order = read_message(
        {"__typename": "AgentDirective", "kind": "DANCE", "directiveReason": None, "more": 1}
    )

    assert (state.type, verdict.outcome) == ("HIBERNATING", "LENT")
    assert isinstance(order, AgentDirective)
    assert order.kind == "DANCE"


def test_unknown_message_of_the_work_stream_is_passed_over_and_a_broken_one_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = [read_message({"__typename": "RunMoved", "runId": "run_1"}) for _ in range(2)]

    assert found == [None, None]
    assert caplog.text.count("RunMoved") == 1
    with pytest.raises(ServerFaultError):
        read_message({"__typename": "RunCancelRequested", "epoch": "first"})


@pytest.mark.parametrize("read", [fault, refusal])
def test_unknown_codes_become_an_error_with_the_servers_words(read: object) -> None:
    details = {"message": "Not now.", "code": "MOON_PHASE", "extensions": {"code": "MOON_PHASE"}}

    error = fault(details) if read is fault else refusal(details)

    assert isinstance(error, ApiError)
    assert "Not now." in str(error)
