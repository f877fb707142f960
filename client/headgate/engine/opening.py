"""Prepares a flow run: resolved and validated parameters, name, tags, its place in a parent."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headgate.declared import own_code
from headgate.engine.context import (
    FlowRunContext,
    Recorder,
    current_flow_run,
    current_tags,
    made_by,
    named_run,
)
from headgate.engine.crash import Interrupter
from headgate.engine.effects import Steps, WaitAll
from headgate.engine.flow_results import find_kept, place_of
from headgate.engine.inputs import resolve, upstream_futures
from headgate.engine.names import declared_name, make_flow_run_name
from headgate.engine.own_run import FlowRun
from headgate.engine.parameters import needs_validation, validate
from headgate.engine.replays import Replay
from headgate.engine.sessions import Opening, claim_assignment, open_recorder
from headgate.errors import ParameterError
from headgate.futures import Future
from headgate.logs import ENGINE, configure_logging
from headgate.reporting.local_run import LocalRun
from headgate.reporting.records import TaskRun
from headgate.reporting.server_run import ServerRun
from headgate.results.kept import BEGUN, KeptPlace, KeptResults, sweep
from headgate.results.stores import FoundResult
from headgate.settings import load_settings
from headgate.specs import FlowSpec, Job
from headgate.states import Completed, Pending
from headgate.task_runners import TaskRunner, ThreadPoolTaskRunner
from headgate.texts import MAX_FLOW_RUN_NAME, label

logger = logging.getLogger(ENGINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCall:
    """A call of a flow.

    Args:
        error: why the arguments do not fit; the run then fails before user code starts.
        job: what an agent was told, when this process was started for the run.
        is_lazy: hand out the items of a generator function one by one.
        replay: the run that this is another look at; no server hears of it.
    """

    flow: Any
    spec: FlowSpec
    parameters: dict[str, Any]
    wait_for: Iterable[Any] | None = None
    error: ParameterError | None = None
    job: Job | None = None
    is_lazy: bool = False
    replay: Replay | None = None


def open_run(call: FlowCall) -> Steps[FlowRunContext]:
    """Return the run's context, after the server knows of the run; user code has not started.

    Raises:
        UpstreamTaskError: a task that the call needs did not complete.
        ApiError: the server did not take the run.
    """
    parent = current_flow_run.get()
    settings = parent.settings if parent else load_settings()
    configure_logging(settings)
    needed, upstream = yield from _await_needed(call)
    parameters, error = _validated(call)
    run_tags = current_tags.get() | frozenset(call.job.tags if call.job else ())
    name, is_new = _run_name(call, parameters, tags=run_tags)
    assignment = claim_assignment(settings) if parent is None else None
    interrupter = Interrupter(
        is_cancelled_by_signal=assignment is not None,
        parent=parent.interrupter if parent else None,
    )
    before = made_by(parent, upstream, [*call.parameters.values(), needed])
    is_placed = error is None and not call.is_lazy
    place = place_of(call.spec, parent=parent, parameters=parameters) if is_placed else None
    found = (yield from find_kept(place, name=call.spec.name)) if place else None
    wrapper = _make_wrapper(call.spec, parent=parent, upstream=before)
    opening = Opening(
        flow_name=call.spec.name,
        name=name,
        parameters=parameters,
        tags=run_tags,
        parent=parent,
        wrapper=wrapper,
        assignment=assignment,
    )
    recorder = _recorder_of(call.replay, found) or (
        yield from open_recorder(opening, settings=settings, interrupter=interrupter)
    )
    context = FlowRunContext(
        flow=call.flow,
        spec=call.spec,
        run=_make_run(opening, recorder=recorder, call=call),
        recorder=recorder,
        settings=settings,
        task_runner=_task_runner(call.spec),
        interrupter=interrupter,
        parent=parent,
        wrapper=wrapper,
    )
    _complete(context, call, error=error, new_name=name if is_new else None)
    _settle(context, place, found)
    return context


def _await_needed(call: FlowCall) -> Steps[tuple[list[Any] | None, list[Future[Any]]]]:
    """Wait for what the call needs, and return what it is to wait for, and the futures in it all.

    Raises:
        UpstreamTaskError: one of them did not complete.
    """
    needed = list(call.wait_for) if call.wait_for else None
    upstream = upstream_futures([*call.parameters.values(), needed])
    if upstream:
        yield WaitAll(upstream)
    resolve(needed)
    return needed, upstream


def _settle(context: FlowRunContext, place: KeptPlace | None, found: FoundResult | None) -> None:
    """Say where a subflow keeps its result; where it has, end it with that: no run begins."""
    if place is None:
        return
    context.place, context.kept = place, place.inside
    if context.wrapper is not None:
        # Whoever has it done again names it by its key, also where it fails.
        context.wrapper.cache_key = f"{BEGUN}{place.key}"
    if found is None:
        return
    state = Completed(
        name="Cached", message=f"Result of flow run {context.run.id}", data=found.value
    )
    context.run.state = state
    parent, wrapper = context.parent, context.wrapper
    if parent is not None and wrapper is not None:
        wrapper.cache_key = place.key
        wrapper.enter(state)
        parent.recorder.record_task(wrapper)
        parent.makers.note(state.data, wrapper.id)


def _recorder_of(replay: Replay | None, found: FoundResult | None) -> LocalRun | None:
    """Return where what is no run of its own reports: nowhere, under the id of the run it is of.

    That is another look at a run, and a subflow whose result was kept.
    """
    run_id = replay.run_id if replay is not None else found and found.record.flow_run_id
    if run_id is None:
        return None
    recorder = LocalRun()
    recorder.flow_run_id = run_id
    return recorder


def _complete(
    context: FlowRunContext,
    call: FlowCall,
    *,
    error: ParameterError | None,
    new_name: str | None,
) -> None:
    """Say how the run goes on, and leave out what only a real one needs where it is none."""
    context.new_name = new_name
    context.parameter_error, context.is_lazy = error, call.is_lazy
    context.replay = call.replay or context.replay
    if context.replay is not None:
        context.spec = context.replay.patient(call.spec)
    context.kept = context.kept or _kept_results(context, call.job)


def _kept_results(context: FlowRunContext, job: Job | None) -> KeptResults | None:
    """Return what an agent's run keeps to go on with; a run of this process alone keeps nothing."""
    if job is None:
        return None
    settings = context.settings
    if context.replay is None:
        sweep(settings.results_folder, keep_days=settings.result_keep_days)
    return KeptResults(context.run.id, reuse=job.reuse)


def _make_run(opening: Opening, *, recorder: Recorder, call: FlowCall) -> FlowRun:
    job = call.job
    run = FlowRun(
        id=recorder.flow_run_id,
        name=opening.name,
        flow_name=opening.flow_name,
        parameters=opening.parameters,
        tags=opening.tags,
        parent_task_run_id=opening.wrapper.id if opening.wrapper else None,
    )
    run.flow_version = call.spec.version
    if isinstance(recorder, ServerRun) and recorder.tenure is not None:
        run.flow_id = recorder.tenure.flow_id
    if opening.parent is not None:
        run.parent_flow_run_id = opening.parent.run.id
        run.parent_deployment_id = opening.parent.run.deployment_id
        run.root_flow_run_id = opening.parent.run.root_flow_run_id
    if job is not None:
        _take_job(run, job)
    return run


def _take_job(run: FlowRun, job: Job) -> None:
    """Tell a run what an agent was told of it."""
    run.expected_start_time = _due(job, else_=run.expected_start_time)
    run.job_variables = job.job_variables
    run.run_count = job.retries_used
    run.flow_id = job.flow_id
    run.created = job.created.astimezone(UTC) if job.created else run.created
    run.work_pool_name, run.work_queue_name = job.work_pool, job.work_queue
    if job.parent is not None:
        run.parent_flow_run_id = job.parent.flow_run_id
        run.parent_task_run_id = job.parent.task_run_id
        run.parent_deployment_id = job.parent.deployment_id
        run.root_flow_run_id = job.parent.root_flow_run_id
    if job.deployment is not None:
        run.deployment_id = job.deployment.id
        run.deployment_name = job.deployment.name
        run.deployment_version = job.deployment.version


def _validated(call: FlowCall) -> tuple[dict[str, Any], ParameterError | None]:
    spec = call.spec
    parameters = {name: resolve(value) for name, value in call.parameters.items()}
    if call.error is not None or not (
        spec.validate_parameters and needs_validation(spec.signature)
    ):
        return parameters, call.error
    try:
        valid = validate(spec.fn, signature=spec.signature, name=spec.name, parameters=parameters)
    except ParameterError as error:
        return parameters, error
    return valid, None


def _due(job: Job, *, else_: datetime) -> datetime:
    """Return when a job's run was due, in UTC."""
    return job.expected_start.astimezone(UTC) if job.expected_start is not None else else_


def _run_name(
    call: FlowCall, parameters: dict[str, Any], *, tags: frozenset[str]
) -> tuple[str, bool]:
    """Return what a run is called, and whether the server is still to hear of it."""
    job, declared = call.job, call.spec.run_name
    if job is None:
        return (_declared(call, parameters, tags=tags) or make_flow_run_name()), False
    if not job.run_name or job.is_run_named or declared is None:
        return job.run_name or make_flow_run_name(), False
    try:
        name = _declared(call, parameters, tags=tags)
    except Exception:
        # The run was planned and is due: no name is worth more than that it runs.
        logger.exception("The run keeps the name %r: its flow's own was not made", job.run_name)
        return job.run_name, False
    return (name, True) if name else (job.run_name, False)


def _declared(call: FlowCall, parameters: dict[str, Any], *, tags: frozenset[str]) -> str | None:
    """Return the name that the flow declares for this run; None where that is none."""
    if call.spec.run_name is None:
        return None
    what = {"flow_name": call.spec.name}
    run = FlowRun(id="", name="", flow_name=call.spec.name, parameters=parameters, tags=tags)
    if call.job is not None:
        run.expected_start_time = _due(call.job, else_=run.expected_start_time)
    token = named_run.set(run)
    try:
        name = declared_name(call.spec.run_name, parameters=parameters, what=what)
    finally:
        named_run.reset(token)
    return label(name, limit=MAX_FLOW_RUN_NAME)


def _make_wrapper(
    spec: FlowSpec, *, parent: FlowRunContext | None, upstream: list[str]
) -> TaskRun | None:
    """Return the task run that stands for a subflow in its parent."""
    if parent is None:
        return None
    wrapper = TaskRun(
        task_key=own_code(spec.fn).__qualname__,
        name="",
        flow_run_id=parent.run.id,
        tags=current_tags.get(),
        parents=upstream,
    )
    wrapper.name = f"{spec.name}-{wrapper.id[-3:]}"
    wrapper.enter(Pending())
    parent.recorder.record_task(wrapper)
    return wrapper


def _task_runner(spec: FlowSpec) -> TaskRunner:
    declared = spec.task_runner
    if declared is None:
        return ThreadPoolTaskRunner()
    runner: TaskRunner = declared() if isinstance(declared, type) else declared
    return runner.duplicate()
