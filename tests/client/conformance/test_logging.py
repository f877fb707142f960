"""Run loggers, prints, levels and other loggers."""

import logging
from pathlib import Path
from typing import Any

import pytest

from headgate import flow, task
from headgate.context import get_run_context
from headgate.exceptions import MissingContextError
from headgate.logging import disable_run_logger, get_logger, get_run_logger
from headgate.settings import load_settings

FLOW_RUNS, TASK_RUNS = "headgate.flow_runs", "headgate.task_runs"


@pytest.fixture(autouse=True)
def every_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="headgate")


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == name]


def test_a_flow_has_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def parent() -> None:
        get_run_logger().info("hello")

    parent()

    assert "hello" in lines(caplog, FLOW_RUNS)


def test_a_task_has_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def child() -> None:
        get_run_logger().info("hello")

    @flow
    def parent() -> None:
        child.submit().wait()

    parent()

    assert "hello" in lines(caplog, TASK_RUNS)


def test_a_run_logger_takes_every_level(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def parent() -> None:
        logger = get_run_logger()
        for name in ("debug", "info", "warning", "error", "critical"):
            getattr(logger, name)(name)

    parent()

    levels = [record.levelname for record in caplog.records if record.name == FLOW_RUNS]
    assert levels == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def test_a_run_logger_fills_in_arguments(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def parent() -> None:
        get_run_logger().info("%d of %s", 3, "four")

    parent()

    assert "3 of four" in lines(caplog, FLOW_RUNS)


def test_a_run_logger_writes_exceptions(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def parent() -> None:
        try:
            raise ValueError("no")
        except ValueError:
            get_run_logger().exception("went wrong")

    parent()

    assert any("went wrong" in line for line in lines(caplog, FLOW_RUNS))
    assert "ValueError: no" in caplog.text


def test_a_run_logger_takes_extra_attributes(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def parent() -> None:
        get_run_logger(team="data").info("tagged", extra={"more": 1})

    parent()

    (record,) = [record for record in caplog.records if record.getMessage() == "tagged"]
    assert (vars(record)["team"], vars(record)["more"]) == ("data", 1)


def test_a_run_logger_of_another_context(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def child(context: Any) -> None:
        get_run_logger(context).info("from the flow's logger")

    @flow
    def parent() -> None:
        child(get_run_context())

    parent()

    assert "from the flow's logger" in lines(caplog, FLOW_RUNS)


def test_a_run_logger_needs_a_run() -> None:
    with pytest.raises(MissingContextError):
        get_run_logger()


def test_prints_are_not_logged_by_default(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    @flow
    def parent() -> None:
        print("said")  # noqa: T201 - what is tested

    parent()

    assert "said" not in caplog.text
    assert capsys.readouterr().out == "said\n"


def test_log_prints_logs_what_a_flow_prints(caplog: pytest.LogCaptureFixture) -> None:
    @flow(log_prints=True)
    def parent() -> None:
        print("said", 3)  # noqa: T201 - what is tested

    parent()

    assert "said 3" in lines(caplog, FLOW_RUNS)


def test_log_prints_logs_what_a_task_prints(caplog: pytest.LogCaptureFixture) -> None:
    @task(log_prints=True)
    def child() -> None:
        print("said")  # noqa: T201 - what is tested

    @flow
    def parent() -> None:
        child()

    parent()

    assert "said" in lines(caplog, TASK_RUNS)


def test_log_prints_is_inherited_by_tasks(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def child() -> None:
        print("said")  # noqa: T201 - what is tested

    @flow(log_prints=True)
    def parent() -> None:
        child.submit().wait()

    parent()

    assert "said" in lines(caplog, TASK_RUNS)


def test_log_prints_is_inherited_by_subflows(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def inner() -> None:
        print("said")  # noqa: T201 - what is tested

    @flow(log_prints=True)
    def parent() -> None:
        inner()

    parent()

    assert "said" in lines(caplog, FLOW_RUNS)


def test_a_task_may_opt_out_of_log_prints(caplog: pytest.LogCaptureFixture) -> None:
    @task(log_prints=False)
    def child() -> None:
        print("said")  # noqa: T201 - what is tested

    @flow(log_prints=True)
    def parent() -> None:
        child()

    parent()

    assert "said" not in caplog.text


def test_log_prints_may_be_set_for_all(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_LOGGING_LOG_PRINTS", "true")

    @flow
    def parent() -> None:
        print("said")  # noqa: T201 - what is tested

    parent()

    assert "said" in lines(caplog, FLOW_RUNS)


def test_get_logger_makes_loggers_below_headgate_s() -> None:
    assert get_logger().name == "headgate"
    assert get_logger("mine").name == "headgate.mine"


def test_the_level_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_LOGGING_LEVEL", "debug")

    assert load_settings().log_level == "DEBUG"


def test_other_loggers_may_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_LOGGING_EXTRA_LOGGERS", "pandas, dask")

    assert load_settings().extra_loggers == ("pandas", "dask")


def test_other_loggers_may_join_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "headgate.toml").write_text('[logging]\nextra_loggers = ["pandas", "dask"]\n')

    assert load_settings().extra_loggers == ("pandas", "dask")


def test_disable_run_logger_silences_runs(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def parent() -> None:
        get_run_logger().info("hello")

    with disable_run_logger():
        parent()

    assert "hello" not in caplog.text


def test_disable_run_logger_lets_functions_be_called_without_a_run() -> None:
    @task
    def child() -> int:
        get_run_logger().info("hello")
        return 1

    with disable_run_logger():
        assert child.fn() == 1


def test_disable_run_logger_ends_with_its_block(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def parent() -> None:
        get_run_logger().info("hello")

    with disable_run_logger():
        pass
    parent()

    assert "hello" in caplog.text
