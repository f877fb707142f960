"""The disk is full while the server is away: DEBUG lines go and are counted, the run goes on."""

import logging
import re
import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headgate import flow, get_run_logger, task
from tests.client.recording_server import RecordingServer
from tests.fixtures.deadlines import eventually_sync

LINES = 3000
LARGEST_FILE_BYTES = 200_000


@task
def double(x: int) -> int:
    return x * 2


@contextmanager
def files_no_larger_than(size_bytes: int) -> Generator[None]:
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def is_spooled(home: Path) -> bool:
    return any((home / "spool").glob("*/*.jsonl"))


def told(messages: list[str]) -> int:
    """Return how many lines the log says were dropped."""
    found = [re.fullmatch(r"(\d+) log lines were dropped here: .*", line) for line in messages]
    return sum(int(match[1]) for match in found if match)


def test_debug_lines_are_dropped_and_counted_and_all_else_is_kept(
    server: RecordingServer,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("HEADGATE_LOG_LEVEL", "DEBUG")
    # Whoever ran a flow in this process before has set the level already.
    for name in ("headgate", "headgate.flow_runs"):
        caplog.set_level(logging.DEBUG, logger=name)

    @flow
    def work() -> int:
        logger = get_run_logger()
        server.is_away = True
        logger.info("away")
        eventually_sync(lambda: is_spooled(home), what="a spool file")
        with files_no_larger_than(LARGEST_FILE_BYTES):
            for number in range(LINES):
                logger.debug("detail %d %s", number, "x" * 100)
                if number % 100 == 0:
                    logger.info("kept %d", number)
            total = sum(double.map(list(range(200))).result())
            eventually_sync(
                lambda: "lines were dropped" in caplog.text,
                within_seconds=60,
                what="a word about it",
            )
        server.is_away = False
        logger.debug("back")
        return total

    assert work() == 200 * 199

    run = server.only_run()
    messages = [message for _, message in run.logs]
    details = [line for line in messages if line.startswith("detail")]
    assert 0 < told(messages) == LINES - len(details)
    assert [line for line in messages if line.startswith("kept")] == [
        f"kept {number}" for number in range(0, LINES, 100)
    ]
    assert len(set(details)) == len(details)
    assert messages.index("away") < messages.index("kept 0") < messages.index("back")
    assert len(run.tasks) == 200
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert not is_spooled(home)
