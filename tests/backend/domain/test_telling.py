"""Instants that are told later, by clocks that may be wrong."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headgate_server.domain.telling import MAX_CLOCK_SKEW, when_told

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPANS = st.timedeltas(min_value=-30 * 24 * HOUR, max_value=30 * 24 * HOUR)


def test_what_nobody_said_is_now() -> None:
    assert when_told(None, sent_at=None, now=NOW) == NOW
    assert when_told(None, sent_at=NOW - HOUR, now=NOW) == NOW


def test_what_happened_shortly_before_now_is_taken_as_said() -> None:
    assert when_told(NOW - MAX_CLOCK_SKEW, sent_at=None, now=NOW) == NOW - MAX_CLOCK_SKEW


def test_what_is_far_from_now_is_now_where_nobody_knows_the_clock() -> None:
    assert when_told(NOW - HOUR, sent_at=None, now=NOW) == NOW


def test_what_happened_long_ago_by_a_clock_that_is_right_is_taken_as_said() -> None:
    sent_at = NOW - timedelta(seconds=3)

    assert when_told(NOW - HOUR, sent_at=sent_at, now=NOW) == NOW - HOUR


@given(skew=SPANS.filter(lambda span: abs(span) > MAX_CLOCK_SKEW), age=SPANS)
def test_a_clock_that_is_wrong_tells_how_long_ago_it_was(skew: timedelta, age: timedelta) -> None:
    said = NOW + skew - age

    assert when_told(said, sent_at=NOW + skew, now=NOW) == min(NOW - age, NOW)


@given(said=SPANS, sent=st.none() | SPANS)
def test_nothing_is_told_of_the_future(said: timedelta, sent: timedelta | None) -> None:
    sent_at = None if sent is None else NOW + sent

    assert when_told(NOW + said, sent_at=sent_at, now=NOW) <= NOW
