"""Calls the hooks of a run whose process is gone, in another that its agent starts for them."""

import contextlib
import signal
from typing import Any

from headgate.engine.context import FlowRunContext, surrounding
from headgate.engine.effects import drive
from headgate.engine.entrypoints import load_flow, run_pull_steps
from headgate.engine.flow_run import parameters_of, with_blocks
from headgate.engine.hooks import call_hooks, hooks_of
from headgate.engine.opening import FlowCall, open_run
from headgate.logs import configure_logging
from headgate.reporting.server_run import ServerRun
from headgate.settings import load_settings
from headgate.specs import FlowSpec, Job, JobEnding
from headgate.states import State, StateType

MOST_SECONDS = 60
"""So long may the hooks take, and the import of their flow with them."""


def run_last_hooks(job: Job, ending: JobEnding) -> int:
    """Load the flow of a job, and call the hooks of the state that its run is about to enter.

    The run's own token still speaks: hooks log to the run and read its blocks. Nothing is proposed.

    Returns:
        0, also where a hook fails, which is logged.

    Raises:
        Exception: the flow cannot be loaded.
    """
    if hasattr(signal, "alarm"):
        # An agent that is gone stops nobody.
        signal.alarm(MOST_SECONDS)
    configure_logging(load_settings())
    run_pull_steps(job.pull_steps or [], fill=with_blocks)
    flow = load_flow(job.entrypoint)
    spec: FlowSpec = flow.spec
    parameters, problem = parameters_of(job, spec)
    call = FlowCall(flow=flow, spec=spec, parameters=parameters, error=problem, job=job)
    context = drive(open_run(call))
    state: State[Any] = State(StateType(ending.type), message=ending.message)
    context.run.state = state
    with surrounding(context):
        hooks = hooks_of(spec.hooks, state)
        drive(call_hooks(hooks, owner=flow, run=context.run, state=state, source=context))
    _finish(context)
    return 0


def _finish(context: FlowRunContext) -> None:
    """Have the server hear what the hooks said, and tell nothing more."""
    recorder = context.recorder
    if isinstance(recorder, ServerRun):
        with contextlib.suppress(TimeoutError):
            recorder.tell_all().result(context.settings.request_deadline_seconds)
    recorder.abandon()
