"""A run that floods its log: lines stay out by level, all of them are counted, nobody waits."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from headgate import flow, get_run_logger
from headgate.reporting import log_buffer
from headgate.reporting.log_buffer import LogBuffer
from tests.client.recording_server import RecordingServer

DEBUG, INFO, WARNING = 10, 20, 30
TOLD = re.compile(r"(\d+) log lines were dropped")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(log_buffer, "time", found)
    return found


@pytest.fixture
def gaps() -> list[str]:
    return []


@pytest.fixture
def buffer(clock: Clock, gaps: list[str]) -> LogBuffer:
    """Fills at ten lines a second, so that a hundred may come at once."""
    del clock
    return LogBuffer(lines_per_second=10, on_gap=lambda: gaps.append("gap"))


def log(buffer: LogBuffer, level: int, *messages: str) -> None:
    for message in messages:
        buffer.append((0, level, "mine", message, None))


def sent(buffer: LogBuffer) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while (batch := buffer.take()) is not None:
        columns: dict[str, list[Any]] = batch.columns
        found += zip(columns["level"], columns["message"], strict=True)
    return found


def told(lines: Sequence[tuple[int, str]]) -> int:
    """Return how many lines the log says were dropped."""
    return sum(int(match[1]) for _, message in lines if (match := TOLD.match(message)))


@pytest.mark.parametrize(("level", "kept"), [(DEBUG, 50), (INFO, 80), (WARNING, 100), (50, 100)])
def test_the_lower_the_level_the_sooner_lines_stay_out(
    buffer: LogBuffer, gaps: list[str], level: int, kept: int
) -> None:
    log(buffer, level, *("line" for _ in range(1000)))
    buffer.end()

    lines = sent(buffer)

    assert lines.count((level, "line")) == kept
    assert lines[kept][0] == WARNING
    assert told(lines) == 1000 - kept
    assert len(gaps) == 1


def test_a_warning_comes_through_where_a_flood_of_lesser_lines_does_not(buffer: LogBuffer) -> None:
    log(buffer, INFO, *("flood" for _ in range(1000)))
    log(buffer, WARNING, "mind this")
    log(buffer, DEBUG, "detail")
    buffer.end()

    lines = sent(buffer)

    assert lines[80] == (WARNING, "mind this")
    assert told(lines) == 1000 - 80 + 1


def test_no_lesser_line_comes_through_while_warnings_stay_out(buffer: LogBuffer) -> None:
    log(buffer, WARNING, *("flood" for _ in range(101)))
    log(buffer, INFO, "lesser")
    buffer.end()

    assert told(sent(buffer)) == 2


def test_each_gap_is_told_in_its_place_and_then_lines_come_again(
    buffer: LogBuffer, clock: Clock, gaps: list[str]
) -> None:
    log(buffer, INFO, *("first" for _ in range(100)))
    clock.seconds = 1.0
    buffer.end_gap()
    first = sent(buffer)
    log(buffer, INFO, *("second" for _ in range(100)))
    buffer.end_gap()
    second = sent(buffer)

    assert [told(first), told(second)] == [20, 90]
    assert (len(first), len(second)) == (80 + 1, 10 + 1)
    assert len(gaps) == 2


def test_what_waits_is_bounded_though_nobody_takes_it(buffer: LogBuffer, clock: Clock) -> None:
    for second in range(100):
        clock.seconds = float(second)
        buffer.end_gap()
        log(buffer, INFO, *("line" for _ in range(100)))
    buffer.end()

    lines = sent(buffer)

    assert lines.count((INFO, "line")) == 80
    assert told(lines) == 100 * 100 - 80


def test_a_long_line_counts_as_several(buffer: LogBuffer) -> None:
    log(buffer, INFO, *("x" * 9_999 for _ in range(100)))

    assert len(sent(buffer)) == 8


def test_once_the_log_is_full_only_warnings_are_sent_and_the_rest_is_counted(
    buffer: LogBuffer,
) -> None:
    buffer.note_quota(7)
    log(buffer, INFO, "a", "b")
    log(buffer, WARNING, "mind this")
    buffer.end()

    lines = sent(buffer)

    assert lines[0] == (WARNING, "mind this")
    assert told(lines) == 7 + 2


def test_a_run_that_floods_its_log_is_told_exactly_what_is_missing(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_LOG_LINES_PER_SECOND", "100")

    @flow
    def work() -> None:
        logger = get_run_logger()
        for number in range(20_000):
            logger.info("line %d", number)
        logger.error("the last")

    work()

    lines = server.only_run().logs
    kept = [message for _, message in lines if message.startswith("line")]
    assert 800 <= len(kept) < 20_000
    assert kept == sorted(kept, key=lambda message: int(message[5:]))
    assert told(lines) == 20_000 - len(kept)
    assert (40, "the last") in lines


def test_a_run_whose_log_is_full_says_so_once(
    server: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.log_limit = 10

    @flow
    def work() -> None:
        logger = get_run_logger()
        for number in range(500):
            logger.info("line %d", number)

    work()

    lines = server.only_run().logs
    kept = [message for _, message in lines if message.startswith("line")]
    assert len(kept) == 10
    assert sum("reached its limit" in message for _, message in lines) == 1
    assert told(lines) == 500 - len(kept)
    assert "the run's log has reached its limit" in caplog.text
