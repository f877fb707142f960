"""What following a run looks like: plain lines, and bars on a terminal."""

import io
from datetime import UTC, datetime

from headgate.api.flow_runs import FlowRun, Named, RunUpdate, TaskRunUpdate
from headgate.api.logs import LogBatch, LogLine
from headgate.api.states import StateAnswer
from headgate.cli.views import LogView, PlainView, ProgressView, clock, open_progress

NOON = datetime(2026, 11, 23, 12, 0, 0, 500_000, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def state(name: str, message: str | None = None) -> StateAnswer:
    return StateAnswer(type=name.upper(), name=name, timestamp=NOON, message=message)


def update(current: StateAnswer, *tasks: StateAnswer) -> RunUpdate:
    """Return the news that a run is in a state, and each of its tasks in one."""
    run = FlowRun(
        id="run_1",
        name="brave-fox",
        state=current,
        flow=Named("flow_1", "add"),
        tags=[],
        parameters={},
    )
    task_runs = [
        TaskRunUpdate(id=f"trun_{index}", name=f"double-{index}", task_key="double", state=task)
        for index, task in enumerate(tasks)
    ]
    return RunUpdate(cursor="c", run=run, states=[current], task_runs=task_runs, caught_up=True)


def lines(*messages: str) -> LogBatch:
    found = [
        LogLine(sequence=1, timestamp=NOON, level=20, logger="x", message=message)
        for message in messages
    ]
    return LogBatch(cursor="c", lines=found)


def test_plain_lines_tell_states_failures_and_the_log() -> None:
    stream = io.StringIO()
    view = PlainView(stream)

    view.show_update(update(state("Running"), state("Running"), state("Running")))
    view.show_lines(lines("half way"))
    failed = state("Failed", "ValueError: no luck\nTraceback")
    view.show_update(update(failed, state("Completed"), failed))
    view.show_update(update(failed, state("Completed"), failed))

    time = clock(NOON)
    assert stream.getvalue().splitlines() == [
        f"{time} | run brave-fox is Running",
        f"{time} | INFO    | half way",
        f"{time} | task double-1 is Failed: ValueError: no luck",
        f"{time} | run brave-fox is Failed: ValueError: no luck",
        f"{time} | run brave-fox is Failed: ValueError: no luck",
    ]


def test_log_view_writes_nothing_but_lines() -> None:
    stream = io.StringIO()
    view = LogView(stream)

    view.show_update(update(state("Running")))
    view.show_lines(lines("one", "two"))

    assert stream.getvalue() == "".join(
        f"{clock(NOON)} | INFO    | {message}\n" for message in ("one", "two")
    )


def test_progress_moves_with_the_tasks_and_keeps_the_log() -> None:
    terminal = Terminal()
    with open_progress(terminal) as progress:
        view = ProgressView(progress)
        view.show_update(update(state("Running")))
        view.show_update(update(state("Running"), state("Completed"), state("Running")))
        view.show_lines(lines("a [bold]line[/bold] as it is"))
        view.show_update(update(state("Failed"), state("Completed"), state("Failed")))

        run, branch = progress.tasks
        assert branch.description == "  └ double"
        for bar in (run, branch):
            assert (bar.completed, bar.total) == (2, 2)
            assert bar.fields["counts"] == "1 completed, 1 failed"
            assert bar.finished

    assert "a [bold]line[/bold] as it is" in terminal.getvalue()


def test_run_without_tasks_is_done_when_it_is_over() -> None:
    with open_progress(Terminal()) as progress:
        view = ProgressView(progress)

        view.show_update(update(state("Running")))
        before = progress.tasks[0].total
        view.show_update(update(state("Completed")))

        assert before is None
        assert (progress.tasks[0].completed, progress.tasks[0].total) == (1, 1)
