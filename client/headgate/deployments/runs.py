"""Starts runs of deployments from code, and waits for them: inside of a run with its own token."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future as ConcurrentFuture
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from headgate.api import deployments, flow_runs, started_runs, workspaces
from headgate.api.background import background_loop
from headgate.api.flow_runs import FlowRun, NewRun
from headgate.api.started_runs import StartedRun
from headgate.clock import current_clock
from headgate.coroutines import runs_in_coroutine
from headgate.deployments.deployment_run import DeploymentRun
from headgate.deployments.passed_on import as_parameters
from headgate.engine.context import FlowRunContext, current_flow_run, current_tags
from headgate.engine.effects import Await, Sleep, Steps, WaitAll, drive, drive_async
from headgate.engine.flow_results import KeptState
from headgate.engine.inputs import resolve, upstream_futures
from headgate.engine.places import Place, current_place
from headgate.engine.stored_secrets import check_stored
from headgate.errors import (
    InvalidInputError,
    NotFoundError,
    RetryableApiError,
    SettingsError,
)
from headgate.logs import ENGINE
from headgate.reporting.records import TaskRun
from headgate.reporting.server_run import ServerRun
from headgate.states import Completed, Pending, State, StateType
from headgate.texts import storable_json, tag_labels

logger = logging.getLogger(ENGINE)
T = TypeVar("T")

FIRST_POLL_SECONDS = 0.1
POLL_GROWTH = 1.5
DEFAULT_POLL_SECONDS = 5.0
_SLICE_SECONDS = 0.5
"""A thread other than the main one wakes so often, since only then an interrupt reaches it."""
_MICROSECONDS = 1_000_000
_PARENT = "parentTaskRunId"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is to run, and how long to wait for it."""

    deployment: str
    parameters: Mapping[str, Any]
    scheduled_time: datetime | None
    flow_run_name: str | None
    timeout: float | None
    poll_interval: float
    tags: Iterable[str] | None
    idempotency_key: str | None
    work_queue_name: str | None
    as_subflow: bool
    job_variables: dict[str, Any] | None


def run_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = DEFAULT_POLL_SECONDS,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    job_variables: dict[str, Any] | None = None,
) -> Any:
    """Run a deployment on its agents, and return its run as a :class:`DeploymentRun`.

    Inside of a run its own token starts what its deployment allows, see ``starts``; elsewhere the
    configured key does. Where an event loop runs, this returns something to be awaited, as
    ``arun_deployment`` does everywhere.

    Args:
        name: ``flow/deployment``, the deployment's own name where that is enough, or its id.
        parameters: laid over the deployment's own; futures are waited for. JSON, and no secrets.
        scheduled_time: when it is due; now if not said. One without a zone is in UTC.
        timeout: seconds to wait for its end, from the call; 0 does not wait, None waits for ever.
            When they are over, the run goes on, and is returned as it is.
        poll_interval: seconds between two looks at it, at most; the first come sooner.
        tags: besides those of the deployment and of the ``tags`` around the call.
        idempotency_key: the same one within 24 hours finds the run that was started first.
        as_subflow: show it in the run around the call, as a task run that goes as it goes.
        job_variables: change its job; not inside of a run.

    Raises:
        NotFoundError: no such deployment, or the run around the call may not start it.
        ParameterError: a parameter has no JSON form, or has a secret in it, or the key has one.
        InvalidInputError: the deployment refuses the parameters.
    """
    request = RunRequest(
        deployment=name,
        parameters=parameters or {},
        scheduled_time=scheduled_time,
        flow_run_name=flow_run_name,
        timeout=timeout,
        poll_interval=poll_interval,
        tags=tags,
        idempotency_key=idempotency_key,
        work_queue_name=work_queue_name,
        as_subflow=as_subflow,
        job_variables=job_variables,
    )
    return _run(request)


async def arun_deployment(name: str, **options: Any) -> DeploymentRun:
    """Do as ``run_deployment`` does, in a coroutine."""
    return await run_deployment(name, **options)


def _run(request: RunRequest) -> Any:
    """Run a request; where an event loop runs, return its coroutine instead."""
    steps = _steps(request)
    return drive_async(steps) if runs_in_coroutine() else drive(steps)


def _steps(request: RunRequest) -> Steps[DeploymentRun]:
    place = current_place()
    began_us = current_clock().now_us()
    upstream = upstream_futures(request.parameters.values())
    if upstream:
        yield WaitAll(upstream)
    parameters = as_parameters({k: resolve(v) for k, v in request.parameters.items()})
    key = request.idempotency_key or ""
    check_stored(key, what="The idempotency key", where="the run", instead="hash it first")
    shown = _Shown.make(request, parents=[future.task_run_id for future in upstream])
    if shown is not None:
        # The run names its task run as parent, so the server hears of that first.
        yield Await(shown.tell())
    try:
        run: DeploymentRun = yield _background(_start_shown(place, request, parameters, shown))
    except BaseException as error:
        if shown is not None:
            shown.fail(error)
        raise
    found = yield from _follow(place, request, run, shown=shown, began_us=began_us)
    if found.id != run.id:
        # Another does for it, which was asked with others.
        return found
    parent = None if shown is None else shown.task_run.id
    return found.with_asked(parameters, tags=_tags(request), parent_task_run_id=parent)


def _follow(
    place: Place,
    request: RunRequest,
    run: DeploymentRun,
    *,
    shown: "_Shown | None",
    began_us: int,
) -> Steps[DeploymentRun]:
    pause = min(FIRST_POLL_SECONDS, request.poll_interval)
    asked, is_known = run.id, _stand_in(run) is None
    if not is_known:
        # What was coalesced says nothing: also who does not wait is told what does for it.
        run, is_known = yield from _looked(place, asked, run)
    while True:
        if shown is not None and is_known:
            shown.enter(run.state)
        left = _seconds_left(request.timeout, began_us=began_us)
        if (run.state.is_final() and is_known) or left <= 0:
            break
        yield from _sleep(min(pause, left))
        pause = min(pause * POLL_GROWTH, request.poll_interval)
        run, is_seen = yield from _looked(place, asked, run)
        is_known = is_known or is_seen
    if shown is not None and not (run.state.is_final() and is_known):
        shown.enter(Completed(name="HandedOver", message=f"The run {run.name} goes on by itself"))
    return run


def _looked(place: Place, asked: str, run: DeploymentRun) -> Steps[tuple[DeploymentRun, bool]]:
    """Return a run as it is now and True; as it was, and False, where it cannot be looked at."""
    try:
        found: DeploymentRun = yield _background(_look(place, asked))
    except RetryableApiError as error:
        logger.warning("Run %s cannot be looked at for now: %s", run.name, error)
        return run, False
    return found, True


def _sleep(seconds: float) -> Steps[None]:
    while seconds > 0:
        yield Sleep(min(seconds, _SLICE_SECONDS))
        seconds -= _SLICE_SECONDS


def _seconds_left(timeout: float | None, *, began_us: int) -> float:
    if timeout is None:
        return float("inf")
    return timeout - (current_clock().now_us() - began_us) / _MICROSECONDS


def _background(coroutine: Coroutine[Any, Any, T]) -> Await:
    found: ConcurrentFuture[T] = background_loop().submit(coroutine)
    return Await(found)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The task run that stands for the other run in the run around the call."""

    recorder: ServerRun
    task_run: TaskRun
    patience_seconds: float

    @classmethod
    def make(cls, request: RunRequest, *, parents: list[str]) -> "_Shown | None":
        context: FlowRunContext | None = current_flow_run.get()
        recorder = context.recorder if context is not None else None
        if context is None or not request.as_subflow or not isinstance(recorder, ServerRun):
            return None
        task_run = TaskRun(
            task_key=f"run_deployment:{request.deployment}",
            name="",
            flow_run_id=recorder.flow_run_id,
            tags=current_tags.get(),
            parents=parents,
        )
        task_run.name = f"{request.deployment}-{task_run.id[-3:]}"
        task_run.enter(Pending())
        recorder.record_task(task_run)
        return cls(recorder, task_run, context.settings.request_deadline_seconds)

    def tell(self) -> "ConcurrentFuture[None]":
        """Tell the server of the task run; while it is away, as long as for any other call."""
        return self.recorder.sync_now(self.task_run, patience_seconds=self.patience_seconds)

    def enter(self, state: State[Any]) -> None:
        """Let the task run be in the state of the other run, if it is not already."""
        if state.is_scheduled() or state == self.task_run.state:
            return
        self.task_run.attempt = max(self.task_run.attempt, 1)
        self.task_run.enter(state)
        self.recorder.record_task(self.task_run)

    def fail(self, error: BaseException) -> None:
        """Say that the other run was never started."""
        message = f"It was not started: {error}"
        self.enter(State(StateType.FAILED, message=message))


async def _start_shown(
    place: Place, request: RunRequest, parameters: dict[str, Any], shown: "_Shown | None"
) -> DeploymentRun:
    """Start a run; where the server had not heard of what is to show it, again once it has."""
    if shown is None:
        return await _start(place, request, parameters, parent=None)
    try:
        return await _start(place, request, parameters, parent=shown.task_run.id)
    except NotFoundError as error:
        if _PARENT not in error.path:
            raise
        logger.warning("The server has not heard of %s yet, and is told again", shown.task_run.name)
    await asyncio.wrap_future(shown.tell())
    return await _start(place, request, parameters, parent=shown.task_run.id)


async def _start(
    place: Place, request: RunRequest, parameters: dict[str, Any], *, parent: str | None
) -> DeploymentRun:
    wanted = _new_run(request, parameters, parent=parent)
    if place.lease is None:
        return await _create(place, request.deployment, wanted)
    if request.job_variables:
        message = "job_variables are for callers with a key; inside of a run, leave them out"
        raise SettingsError(message)
    if _is_id(request.deployment):
        run = NewRun(deployment_id=request.deployment, **wanted)
        return _read(await started_runs.start(place.transport, run=run))
    started = await started_runs.start(
        place.transport, run=NewRun(**wanted), deployment_name=request.deployment
    )
    return _read(started)


def _tags(request: RunRequest) -> list[str]:
    return tag_labels(frozenset(request.tags or ()) | current_tags.get())


def _new_run(
    request: RunRequest, parameters: dict[str, Any], *, parent: str | None
) -> dict[str, Any]:
    due = request.scheduled_time
    return {
        "name": storable_json(request.flow_run_name),
        "parameters": parameters or None,
        "tags": _tags(request) or None,
        "work_queue_name": request.work_queue_name,
        "idempotency_key": request.idempotency_key,
        "parent_task_run_id": parent,
        "expected_start": due.replace(tzinfo=UTC) if due and due.tzinfo is None else due,
        "job_variables": request.job_variables,
    }


async def _create(place: Place, deployment: str, wanted: dict[str, Any]) -> DeploymentRun:
    """Create a run with the configured key."""
    workspace_id = await workspaces.get_id(
        place.transport, organization=place.organization, workspace=place.workspace
    )
    id_ = deployment if _is_id(deployment) else await _find_id(place, deployment)
    run = NewRun(deployment_id=id_, **wanted)
    return _read(await flow_runs.create(place.transport, workspace_id=workspace_id, run=run))


async def _find_id(place: Place, deployment: str) -> str:
    flow_name, _, name = deployment.rpartition("/")
    wanted: dict[str, Any] = {"name": {"eq": name}}
    if flow_name:
        wanted["flow"] = {"name": {"eq": flow_name}}
    page = await deployments.list_deployments(
        place.transport,
        organization=place.organization,
        workspace=place.workspace,
        filter=wanted,
        first=2,
    )
    if not page.items:
        message = f"There is no deployment {deployment!r} in {place.workspace}"
        raise NotFoundError(message)
    if len(page.items) > 1:
        message = f"Several flows have a deployment {name!r}; write flow/{name}"
        raise InvalidInputError(message)
    return page.items[0].id


async def _look(place: Place, run_id: str) -> DeploymentRun:
    """Return a run as it is now, or the one that it was coalesced into and that does for it."""
    if place.lease is not None:
        started = await started_runs.get_started(place.transport, flow_run_id=run_id)
        return _read(started.coalesced_into or started)
    run = _read(await flow_runs.get(place.transport, flow_run_id=run_id))
    other = _stand_in(run)
    if other is None:
        return run
    try:
        return _read(await flow_runs.get(place.transport, flow_run_id=other))
    except NotFoundError:
        return run


def _stand_in(run: DeploymentRun) -> str | None:
    """Return the run that does for one which its deployment coalesced."""
    collision: Any = (run.state.details or {}).get("collision") or {}
    if not run.state.is_final() or collision.get("policy") != "COALESCE":
        return None
    return next(iter(collision["runs"]), None)


def _is_id(deployment: str) -> bool:
    return deployment.startswith("dep_")


def _read(answer: FlowRun | StartedRun) -> DeploymentRun:
    seen: dict[str, Any] = {}
    if isinstance(answer, FlowRun):
        seen = {
            "flow_id": answer.flow.id,
            "flow_name": answer.flow.name,
            "parameters": answer.parameters,
            "tags": answer.tags,
            "run_count": answer.attempt,
        }
        deployment_id = answer.deployment.id if answer.deployment else None
    else:
        deployment_id = answer.deployment_id
    return DeploymentRun(
        id=answer.id,
        name=answer.name,
        state=KeptState(
            StateType(answer.state.type),
            name=answer.state.name,
            message=answer.state.message,
            timestamp_us=int(answer.state.timestamp.timestamp() * _MICROSECONDS),
            details=answer.state.details,
        ),
        deployment_id=deployment_id,
        expected_start=answer.expected_start,
        started_at=answer.started_at,
        ended_at=answer.ended_at,
        **seen,
    )
