"""Runs one background task in this thread, through the same engine as any other task."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headgate.api.background_tasks import BackgroundTask, Offer
from headgate.background_tasks.values import pack_result, unpack
from headgate.clock import now_us
from headgate.engine import task_run
from headgate.engine.context import TaskRunContext
from headgate.engine.crash import state_of_interrupt
from headgate.engine.effects import run_coroutine
from headgate.engine.parameters import bind_named
from headgate.engine.wishes import serving
from headgate.logs import ENGINE, LogSink
from headgate.redaction import redactor
from headgate.reporting.failures import state_message
from headgate.results.stores import Results
from headgate.states import Failed, State
from headgate.texts import cut, text_of

logger = logging.getLogger(ENGINE)

MAX_MESSAGE = 8_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a background task ended, as the API takes it."""

    state: dict[str, Any]
    result: Any = None


def execute(
    task: Any,
    offer: Offer,
    *,
    open_store: Callable[[], Results],
    log: LogSink | None = None,
) -> Outcome:
    """Run a task with the arguments that were queued, retries and all, and return how it ended.

    What it takes of concurrency limits meanwhile is held in its name. Secrets in its arguments are
    masked until then in whatever this process says. Whatever the user's storage raises, there is an
    end that tells it, and the code runs once.

    Args:
        task: as it is served here.
        offer: the call, under the worker's lease.
        open_store: answers where what is no JSON lies.
        log: takes what the task logs; nobody where it is None.
    """
    token = serving.set(offer.lease.as_variables())
    try:
        with redactor.for_now() as mask:
            return _execute(task, offer.task, open_store=open_store, log=log, mask=mask)
    finally:
        serving.reset(token)


def _execute(
    task: Any,
    queued: BackgroundTask,
    *,
    open_store: Callable[[], Results],
    log: LogSink | None,
    mask: Callable[[list[str]], None],
) -> Outcome:
    store: Results | None = None
    try:
        store = open_store()
        arguments = unpack(queued.parameters, id_=queued.id, store=store, mask=mask)
        parameters = bind_named(task.spec.signature, name=task.spec.name, parameters=arguments)
    except Exception as error:  # noqa: BLE001 - of the user's storage, or of what was given
        message = f"The arguments of task {task.spec.name!r} cannot be used: {text_of(error)}"
        logger.error(message)  # noqa: TRY400 - said in full
        _tell(log, message)
        return _outcome(Failed(message=message, data=error), queued, store=store)
    context = task_run.make_context(task, spec=task.spec, parameters=parameters)
    context.run.id = context.log_task_run_id = queued.id
    context.log_sink = log
    context.is_queued = True
    context.rename(queued.name)
    return _outcome(_state_of(context), queued, store=store)


def _tell(log: LogSink | None, message: str) -> None:
    """Say in a task's log why it did not begin: nothing runs that could."""
    if log is not None:
        log.append_log(
            timestamp_us=now_us(),
            level=logging.ERROR,
            logger=ENGINE,
            message=message,
            task_run_id=None,
        )


def _state_of(context: TaskRunContext) -> State[Any]:
    try:
        if context.spec.is_async:
            return run_coroutine(task_run.run_here_async(context))
        return task_run.run_here(context)
    except BaseException as error:  # noqa: BLE001 - a thread's edge: the outcome tells it
        state = context.run.state
        return state if state.is_final() else state_of_interrupt(error, struck=None)


def _outcome(state: State[Any], queued: BackgroundTask, *, store: Results | None) -> Outcome:
    result: Any = None
    try:
        if store is not None and (state.is_completed() or state.data is not None):
            result = pack_result(state.data, id_=queued.id, epoch=queued.epoch, store=store)
    except Exception as error:  # noqa: BLE001 - of the value, or of the user's storage
        if state.is_completed():
            message = (
                f"The result of task {queued.name!r} cannot be kept: {text_of(error)}. Return "
                "something that can be stored, or choose another result_serializer"
            )
            state = Failed(message=message)
        logger.warning("What background task %s left cannot be kept: %s", queued.name, error)
    message = state_message(state)
    return Outcome(
        state={
            "type": state.type.value,
            "name": state.name,
            "message": None if message is None else cut(message, limit=MAX_MESSAGE),
        },
        result=result,
    )
