"""What following a run looks like: plain lines anywhere, a progress display on a terminal."""

import logging
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from headgate.api.background_tasks import TaskLine
from headgate.api.flow_runs import FlowRun, RunUpdate
from headgate.api.logs import LogBatch, LogLine
from headgate.api.states import StateAnswer
from headgate.cli.following import View
from headgate.states import TERMINAL_TYPES
from headgate.texts import visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_NAME_WIDTH = 32
_MOST_BRANCHES = 20
"""So many tasks of a run have a bar of their own; all are counted in that of the run."""


class LogView:
    """Writes log lines, and nothing else, to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show_update(self, update: RunUpdate) -> None:
        """Leave states out."""

    def show_lines(self, batch: LogBatch) -> None:
        """Write the lines."""
        for line in batch.lines:
            self._stream.write(log_text(line) + "\n")
        self._stream.flush()

    def show_trouble(self, message: str) -> None:
        """Say so on standard error."""
        sys.stderr.write(f"{message}\n")


class PlainView:
    """Writes a line for each state of the run, each failed task and each line of the log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tasks: dict[str, str] = {}

    def show_update(self, update: RunUpdate) -> None:
        """Write the states that the run entered."""
        for task_run in update.task_runs:
            is_new = self._tasks.get(task_run.id) != task_run.state.type
            self._tasks[task_run.id] = task_run.state.type
            if is_new and task_run.state.type in {"FAILED", "CRASHED", "CANCELLED"}:
                self._write(task_run.state, subject=f"task {task_run.name}")
        for state in update.states:
            self._write(state, subject=f"run {update.run.name}")

    def show_lines(self, batch: LogBatch) -> None:
        """Write the lines."""
        for line in batch.lines:
            self._stream.write(log_text(line) + "\n")
        self._stream.flush()

    def show_trouble(self, message: str) -> None:
        """Write the message."""
        self._stream.write(f"{message}\n")
        self._stream.flush()

    def _write(self, state: StateAnswer, *, subject: str) -> None:
        # The first line says what happened; a traceback follows in the log.
        reason = f": {state.message.splitlines()[0]}" if state.message else ""
        line = f"{clock(state.timestamp)} | {subject} is {state.name}{reason}"
        self._stream.write(f"{visible(line)}\n")
        self._stream.flush()


class ProgressView:
    """Shows a tree of runs and their tasks whose bars move, with the log running by above it."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._bars: dict[tuple[str, str], TaskID] = {}
        self._tasks: dict[str, dict[str, dict[str, str]]] = {}

    def show_update(self, update: RunUpdate) -> None:
        """Move the bars of the run and of its tasks, which stand below it by their keys."""
        run_id = update.run.id
        keys = self._tasks.setdefault(run_id, {})
        for task_run in update.task_runs:
            keys.setdefault(task_run.task_key, {})[task_run.id] = task_run.state.type
        tasks = {id_: state for found in keys.values() for id_, state in found.items()}
        is_over = update.run.state.type in TERMINAL_TYPES
        self._show(
            (run_id, ""),
            tasks,
            text=_described(update.run),
            # A run without tasks is done when it is over; until then nobody knows how much it is.
            total=len(tasks) or (1 if is_over else None),
            completed=_done(tasks) if tasks else int(is_over),
        )
        for key in list(keys)[:_MOST_BRANCHES]:
            found = keys[key]
            text = f"  └ {visible(key)[: _NAME_WIDTH - 4]}"
            self._show((run_id, key), found, text=text, total=len(found), completed=_done(found))
        if is_over:
            for place, bar in self._bars.items():
                if place[0] == run_id:
                    self._progress.stop_task(bar)

    def _show(
        self,
        place: tuple[str, str],
        tasks: dict[str, str],
        *,
        text: str,
        total: int | None,
        completed: int,
    ) -> None:
        if place not in self._bars:
            self._bars[place] = self._progress.add_task(text, total=None, counts="")
        self._progress.update(
            self._bars[place],
            description=text,
            total=total,
            completed=completed,
            counts=_counts(tasks),
        )

    def show_lines(self, batch: LogBatch) -> None:
        """Print the lines above the bars."""
        for line in batch.lines:
            self._progress.console.print(log_text(line), markup=False, highlight=False)

    def show_trouble(self, message: str) -> None:
        """Print the message above the bars."""
        self._progress.console.print(message, markup=False, highlight=False)


@contextmanager
def open_view(stream: TextIO = sys.stderr) -> Generator[View]:
    """Return the view that fits the stream: progress on a terminal, plain lines otherwise."""
    if not stream.isatty():
        yield PlainView(stream)
        return
    with open_progress(stream) as progress:
        yield ProgressView(progress)


@contextmanager
def open_progress(stream: TextIO) -> Generator["Progress"]:
    """Return a progress display with a bar per run; it stays on the screen when it ends."""
    from rich.console import Console  # noqa: PLC0415 - named lazy-import place: only on a terminal
    from rich.progress import (  # noqa: PLC0415 - named lazy-import place: only on a terminal
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[counts]}"),
        console=Console(file=stream),
    ) as progress:
        yield progress


def log_text(line: LogLine | TaskLine) -> str:
    """Return a log line as terminals show it."""
    level = logging.getLevelName(line.level)
    return visible(f"{clock(line.timestamp)} | {level:<7} | {line.message}")


def clock(moment: datetime) -> str:
    """Return a moment as the time of day here, to the millisecond."""
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _described(run: FlowRun) -> str:
    name = visible(f"{run.flow.name} / {run.name}")
    return f"{name[:_NAME_WIDTH]:<{_NAME_WIDTH}} {run.state.name:<10}"


def _done(tasks: dict[str, str]) -> int:
    return sum(state in TERMINAL_TYPES for state in tasks.values())


def _counts(tasks: dict[str, str]) -> str:
    counts = Counter(tasks.values())
    return ", ".join(f"{count} {state.lower()}" for state, count in sorted(counts.items()))
