"""Run loggers and captured prints, in local mode."""

import logging
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from headgate import flow, get_run_logger, task
from headgate.errors import MissingContextError
from headgate.logs import get_logger
from tests.client.recording_server import RecordingServer


def _lines(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == name]


def test_the_run_logger_needs_a_run() -> None:
    with pytest.raises(MissingContextError, match="needs a flow or task run"):
        get_run_logger()


def test_flow_and_task_runs_have_loggers_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def inner() -> None:
        get_run_logger().warning("from the task %d", 1)

    @flow
    def outer() -> None:
        get_run_logger().info("from the flow")
        inner()

    outer()

    assert "from the flow" in _lines(caplog, "headgate.flow_runs")
    assert _lines(caplog, "headgate.task_runs") == ["from the task 1"]


def test_a_run_logger_finds_its_run_from_any_thread(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def outer() -> None:
        logger = get_run_logger()
        thread = threading.Thread(target=lambda: logger.info("elsewhere"))
        thread.start()
        thread.join()

    outer()

    (record,) = [record for record in caplog.records if record.getMessage() == "elsewhere"]
    assert getattr(record, "headgate_source").log_label.startswith("Flow run")  # noqa: B009 - not an attribute of every record


def test_prints_become_log_lines_where_asked(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    @task
    def chatty() -> None:
        print("task", 1, sep="-")  # noqa: T201 - what is tested

    @task(log_prints=False)
    def plain() -> None:
        print("plain")  # noqa: T201 - what is tested

    @flow(log_prints=True)
    def outer() -> None:
        print("flow")  # noqa: T201 - what is tested
        chatty.submit().wait()
        plain()
        print("aside", file=sys.stderr)  # noqa: T201 - what is tested

    outer()
    print("after")  # noqa: T201 - what is tested

    assert "flow" in _lines(caplog, "headgate.flow_runs")
    assert _lines(caplog, "headgate.task_runs") == ["task-1"]
    captured = capsys.readouterr()
    assert captured.out == "plain\nafter\n"
    assert "aside" in captured.err


def test_a_failure_is_logged_with_the_user_s_frames_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task
    def fail() -> None:
        raise ValueError("no")

    fail(return_state=True)

    assert "Attempt 1 failed" in caplog.text
    assert "ValueError: no" in caplog.text
    assert "headgate/engine" not in caplog.text


def test_a_bad_log_call_is_no_failure_of_the_run(
    server: RecordingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    class Silent:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    @task
    def count() -> int:
        get_run_logger().info("rows: %d", "many")
        return 1

    @flow
    def work() -> int:
        get_run_logger().info("%s", Silent())
        get_logger("mine").warning("%s %s", 1)
        get_run_logger().info("after")
        return count()

    with standing_alone():
        assert work() == 1

    run = server.only_run()
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert (20, "after") in run.logs
    assert [row["states"][-1][1] for row in run.tasks.values()] == ["Completed"]
    assert "--- Logging error ---" in capsys.readouterr().err


@contextmanager
def standing_alone() -> Generator[None]:
    """Without the root handlers of the test runner, which raise what a handler must not."""
    handlers = logging.root.handlers[:]
    logging.root.handlers.clear()
    try:
        yield
    finally:
        logging.root.handlers.extend(handlers)


def test_get_logger_stays_below_headgate() -> None:
    assert get_logger("mine").name == "headgate.mine"
    assert get_logger("headgate.mine").name == "headgate.mine"
    assert get_logger().name == "headgate"


SCRIPT = """
from headgate import flow, get_run_logger
{setup}
@flow(flow_run_name="this-run")
def main():
    get_run_logger().info("hello")
main()
"""


def _run(setup: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(setup=setup)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == ""
    return result.stderr


def test_the_terminal_shows_who_says_what() -> None:
    lines = [line.split(" | ", 1)[1] for line in _run("").splitlines()]

    assert lines == [
        "INFO    | Flow run 'this-run' - Beginning flow run of flow 'main'",
        "INFO    | Flow run 'this-run' - hello",
        "INFO    | Flow run 'this-run' - Finished in state Completed()",
    ]


def test_a_program_that_configures_logging_itself_is_left_alone() -> None:
    setup = "import logging; logging.basicConfig(level='INFO', format='mine %(message)s')"

    assert "mine hello\n" in _run(setup)
    assert " | " not in _run(setup)


def test_the_level_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_LOG_LEVEL", "ERROR")

    assert _run("") == ""
