"""Signs of life: which parts of a process have not come round."""

import asyncio

import pytest

from headgate_server.telemetry.vitals import EVENT_LOOP, Vitals, tick_forever
from tests.fixtures.deadlines import eventually

pytestmark = pytest.mark.anyio


def test_a_silent_part_is_named_until_it_is_heard_of() -> None:
    now = [100.0]
    vitals = Vitals(read_seconds=lambda: now[0])
    beat = vitals.expect("pulse", within_seconds=10)
    vitals.expect("scheduler", within_seconds=60)

    now[0] += 10
    assert vitals.reasons() == []
    now[0] += 1
    assert vitals.reasons() == ["pulse has not come round for 11 s; it should within 10 s."]
    beat()
    assert vitals.reasons() == []


def test_a_part_that_ended_is_expected_no_more() -> None:
    now = [0.0]
    vitals = Vitals(read_seconds=lambda: now[0])
    vitals.expect("pulse", within_seconds=10)

    vitals.forget("pulse")

    now[0] += 100
    assert vitals.reasons() == []


def test_what_fails_again_and_again_and_for_long_is_named_until_it_succeeds() -> None:
    now = [0.0]
    vitals = Vitals(read_seconds=lambda: now[0])
    for _ in range(2):
        vitals.note_failure("The outbox loop", within_seconds=10)

    now[0] += 11
    assert vitals.reasons() == []
    vitals.note_failure("The outbox loop", within_seconds=10)
    assert vitals.reasons() == ["The outbox loop has failed 3 rounds in a row, for 11 s."]
    vitals.note_success("The outbox loop")
    assert vitals.reasons() == []
    for _ in range(9):
        vitals.note_failure("The outbox loop", within_seconds=10)
    assert vitals.reasons() == []


async def test_event_loop_shows_that_it_turns() -> None:
    vitals = Vitals()
    lags: list[float] = []
    ticking = asyncio.create_task(tick_forever(vitals, tell_lag=lags.append))
    await eventually(lambda: vitals.parts.get(EVENT_LOOP))
    started_at = vitals.parts[EVENT_LOOP].heard_at

    await eventually(lambda: vitals.parts[EVENT_LOOP].heard_at > started_at)

    assert len(lags) == 1
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
    assert vitals.parts == {}
