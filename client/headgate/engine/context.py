"""What surrounds user code: the flow run, the task run and the tags of this context."""

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from headgate.api.flow_runs import PauseRequest
from headgate.engine.crash import CancelRequested, Interrupter
from headgate.engine.iteration import Iterations
from headgate.engine.makers import Makers
from headgate.engine.own_run import FlowRun
from headgate.engine.replays import Replay
from headgate.engine.timeouts import Deadline, interrupt_thread
from headgate.engine.transactions import Transaction
from headgate.errors import ParameterError
from headgate.futures import Future
from headgate.logs import LogSink, current_source
from headgate.reporting.local_run import LocalRun
from headgate.reporting.records import TaskRun
from headgate.reporting.server_run import ServerRun
from headgate.results.kept import KeptPlace, KeptResults
from headgate.results.storages import ResultStorage
from headgate.settings import Settings
from headgate.specs import FlowSpec, TaskSpec
from headgate.states import State
from headgate.task_runners import RemoteRunner, TaskRunner
from headgate.traces import Span

Recorder = LocalRun | ServerRun


class PauseGate:
    """What somebody else asked of a run: to pause, or to be suspended, before its next task.

    Attributes:
        request: None while nobody asks.
        pausing: waits for the end of the pause; only on the background loop.
    """

    __slots__ = ("pausing", "request")

    def __init__(self) -> None:
        self.request: PauseRequest | None = None
        self.pausing: asyncio.Task[None] | None = None

    def ask(self, request: PauseRequest) -> bool:
        """Take up what is asked; False where it was known, for it is told again and again."""
        if self.request == request:
            return False
        self.request = request
        return True

    def let_go(self, request: PauseRequest) -> None:
        """Forget what was asked, and is carried out or not wanted any more."""
        if self.request == request:
            self.request = None


class FlowRunContext:
    """A flow run in this process: what its tasks and subflows share.

    Attributes:
        new_name: what the server is told that the run is called, as it begins; None where the
            server named it or knows.
        place: where what a subflow returns is kept for the run around it; None where it is not.
    """

    __slots__ = (
        "deadline",
        "flow",
        "futures",
        "gate",
        "interrupt",
        "interrupter",
        "is_closing",
        "is_lazy",
        "is_outcome_known",
        "iterations",
        "kept",
        "log_label",
        "log_sink",
        "log_task_run_id",
        "makers",
        "new_name",
        "parameter_error",
        "parent",
        "pause_count",
        "place",
        "recorder",
        "replay",
        "result_storage",
        "run",
        "settings",
        "spec",
        "task_runner",
        "threads",
        "wrapper",
    )

    def __init__(
        self,
        *,
        flow: Any,
        spec: FlowSpec,
        run: FlowRun,
        recorder: Recorder,
        settings: Settings,
        task_runner: TaskRunner,
        interrupter: Interrupter,
        parent: "FlowRunContext | None" = None,
        wrapper: TaskRun | None = None,
    ) -> None:
        self.flow = flow
        self.spec = spec
        self.run = run
        self.recorder = recorder
        self.settings = settings
        self.task_runner = task_runner
        self.interrupter = interrupter
        self.parent = parent
        self.wrapper = wrapper
        self.new_name: str | None = None
        self.place: KeptPlace | None = None
        self.parameter_error: ParameterError | None = None
        self.interrupt: BaseException | None = None
        self.is_outcome_known = False
        self.futures: set[Future[Any]] = set()
        self.iterations = Iterations()
        self.threads: set[int] = set()
        self.deadline: Deadline | None = None
        self.gate = PauseGate()
        self.makers = Makers()
        self.is_closing = False
        self.is_lazy = False
        self.pause_count = 0
        self.kept: KeptResults | None = parent.kept if parent else None
        self.replay: Replay | None = parent.replay if parent else None
        self.result_storage: ResultStorage | None = parent.result_storage if parent else None
        self.log_label = f"Flow run '{run.name}'"
        self.log_sink: LogSink | None = recorder if recorder.is_reporting else None
        self.log_task_run_id: str | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether no further attempt of anything may start in this run."""
        has_timed_out = self.deadline is not None and self.deadline.has_struck
        return self.is_closing or has_timed_out or self.interrupter.struck is not None

    def follow(self, future: Future[Any]) -> None:
        """Wait for a submitted task at the end of the flow, wherever its future goes."""
        self.futures.add(future)
        future.add_done_callback(self.futures.discard)

    @classmethod
    def get(cls) -> "FlowRunContext | None":
        """Return the one around this call."""
        return current_flow_run.get()

    @property
    def flow_run(self) -> FlowRun:
        """The run itself."""
        return self.run

    @property
    def parameters(self) -> dict[str, Any]:
        """What the flow was called with."""
        return self.run.parameters

    @property
    def start_time(self) -> datetime:
        """When the run began here, aware, in UTC."""
        return self.run.start_time

    @property
    def log_prints(self) -> bool | None:
        """Whether what the flow prints is logged; None where nobody said."""
        return self.spec.log_prints

    @property
    def persist_result(self) -> bool | None:
        """Whether the results of its tasks are kept; None where nobody said."""
        return self.spec.results.is_kept

    def interrupt_tasks(self) -> None:
        """Strike every thread that runs a submitted task of this run."""
        for thread_id in list(self.threads):
            interrupt_thread(thread_id, kind=self.interrupter.struck or CancelRequested)


class TaskRunContext:
    """A task run in this process."""

    __slots__ = (
        "flow_run",
        "is_lazy",
        "is_queued",
        "log_label",
        "log_sink",
        "log_task_run_id",
        "parameters",
        "remote",
        "run",
        "spec",
        "task",
        "transaction",
        "upstream",
        "wait_for",
    )

    def __init__(
        self,
        *,
        task: Any,
        spec: TaskSpec,
        run: TaskRun,
        flow_run: FlowRunContext | None,
        parameters: dict[str, Any],
        wait_for: Any,
        upstream: list[Future[Any]],
    ) -> None:
        self.task = task
        self.spec = spec
        self.run = run
        self.flow_run = flow_run
        self.parameters = parameters
        self.wait_for = wait_for
        self.upstream = upstream
        self.transaction: Transaction | None = None
        self.remote: RemoteRunner | None = None
        self.is_lazy = False
        self.is_queued = False
        self.log_label = f"Task run '{run.name}'"
        self.log_sink = flow_run.log_sink if flow_run else None
        self.log_task_run_id: str | None = run.id

    @classmethod
    def get(cls) -> "TaskRunContext | None":
        """Return the one around this call."""
        return current_task_run.get()

    @property
    def task_run(self) -> TaskRun:
        """The run itself."""
        return self.run

    @property
    def start_time(self) -> datetime | None:
        """When its first attempt began, aware, in UTC."""
        return self.run.start_time

    @property
    def log_prints(self) -> bool | None:
        """Whether what the task prints is logged; None where its flow decides."""
        return self.spec.log_prints

    @property
    def persist_result(self) -> bool | None:
        """Whether its results are kept; None where nobody said."""
        return self.spec.results.is_kept

    def rename(self, name: str) -> None:
        """Give the run the name that its task declares."""
        self.run.name = name
        self.log_label = f"Task run '{name}'"


def made_by(
    flow_run: FlowRunContext | None, futures: Iterable[Future[Any]], values: Iterable[Any]
) -> list[str]:
    """Return the task runs that made what a call is given: as a future, or as it is."""
    known = flow_run.makers.of(values) if flow_run is not None else []
    return list(dict.fromkeys([*(future.task_run_id for future in futures), *known]))


current_flow_run: ContextVar[FlowRunContext | None] = ContextVar("headgate_flow_run", default=None)
current_task_run: ContextVar[TaskRunContext | None] = ContextVar("headgate_task_run", default=None)
named_run: ContextVar[FlowRun | None] = ContextVar("headgate_named_run", default=None)
"""The flow run that is being named: it has no id yet, and nothing runs in it."""
current_tags: ContextVar[frozenset[str]] = ContextVar("headgate_tags", default=frozenset())


@contextmanager
def tags(*names: str) -> Generator[set[str]]:
    """Give these tags to every run that starts inside, besides those of the contexts around.

    The server is told at most 50 tags of a run, each cut after 100 characters.
    """
    token = current_tags.set(current_tags.get() | frozenset(names))
    try:
        yield set(current_tags.get())
    finally:
        current_tags.reset(token)


def tell_span(span: Span, state: State[Any]) -> None:
    """Say on a run's span how the run ended, by the state's name alone."""
    span.describe(state=state.name)
    if state.is_final() and not state.is_completed():
        span.fail(state.name)


@contextmanager
def surrounding(context: FlowRunContext) -> Generator[None]:
    """Make a flow run the one around what is called inside."""
    flow_token = current_flow_run.set(context)
    task_token = current_task_run.set(None)
    log_token = current_source.set(context)
    tags_token = current_tags.set(context.run.tags)
    try:
        yield
    finally:
        current_tags.reset(tags_token)
        current_source.reset(log_token)
        current_task_run.reset(task_token)
        current_flow_run.reset(flow_token)
