"""What ``@flow`` takes, and the specification that it makes of a function."""

import inspect
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from headgate.declared import is_async, is_generator, own_code
from headgate.declared_options import check_options, seconds_of
from headgate.declared_results import flow_results
from headgate.engine.retries import make_policy
from headgate.serializers import Serializer
from headgate.specs import FlowSpec, Hook, Hooks, RetryDelays, RunNamer
from headgate.task_runners import TaskRunner
from headgate.texts import storable

MAX_NAME = 200


class FlowOptions(TypedDict, total=False):
    """What ``@flow`` and ``with_options`` take."""

    name: str | None
    description: str | None
    version: str | None
    flow_run_name: RunNamer | None
    retries: int | None
    retry_delay_seconds: RetryDelays
    retry_jitter_factor: float | None
    retry_condition_fn: Callable[..., Any] | None
    timeout_seconds: float | timedelta | None
    validate_parameters: bool
    task_runner: TaskRunner | type[Any] | None
    log_prints: bool | None
    persist_result: bool | None
    result_storage: Any
    result_serializer: Serializer | str | None
    cache_result_in_memory: bool
    on_running: Sequence[Hook] | None
    on_completion: Sequence[Hook] | None
    on_failure: Sequence[Hook] | None
    on_cancellation: Sequence[Hook] | None
    on_crashed: Sequence[Hook] | None


def _name_of(fn: Callable[..., Any], options: FlowOptions) -> str:
    name = storable(options.get("name") or own_code(fn).__name__.replace("_", "-"))
    if len(name) > MAX_NAME:
        message = f"A flow's name has at most {MAX_NAME} characters, not {len(name)}"
        raise ValueError(message)
    if "/" in name or name != name.strip() or not name.isprintable():
        message = f"A flow's name is printable, with no slash or space around it, unlike {name!r}"
        raise ValueError(message)
    return name


def make_spec(fn: Callable[..., Any], options: FlowOptions) -> FlowSpec:
    """Return what a flow of these options declares.

    Raises:
        TypeError, ValueError: an option that does not exist, or is not what it must be.
    """
    check_options(options, known=FlowOptions.__optional_keys__, of="@flow")
    return FlowSpec(
        fn=fn,
        name=_name_of(fn, options),
        signature=inspect.signature(fn),
        is_async=is_async(fn),
        is_generator=is_generator(fn),
        description=options.get("description") or inspect.getdoc(fn),
        version=options.get("version"),
        run_name=options.get("flow_run_name"),
        retry=make_policy(
            retries=options.get("retries"),
            delay_seconds=options.get("retry_delay_seconds"),
            jitter_factor=options.get("retry_jitter_factor"),
            condition=options.get("retry_condition_fn"),
        ),
        timeout_seconds=seconds_of(options.get("timeout_seconds")),
        validate_parameters=options.get("validate_parameters", True),
        task_runner=options.get("task_runner"),
        log_prints=options.get("log_prints"),
        results=flow_results(options),
        hooks=Hooks(
            on_running=tuple(options.get("on_running") or ()),
            on_completion=tuple(options.get("on_completion") or ()),
            on_failure=tuple(options.get("on_failure") or ()),
            on_cancellation=tuple(options.get("on_cancellation") or ()),
            on_crashed=tuple(options.get("on_crashed") or ()),
        ),
    )
