"""What ``@task`` takes, and the specification that it makes of a function."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from headgate.cache_policies import CacheKeyFn, CachePolicy
from headgate.declared import is_async, is_generator, own_code
from headgate.declared_options import check_options, seconds_of
from headgate.declared_results import declared_results
from headgate.engine.retries import make_policy
from headgate.serializers import Serializer
from headgate.specs import Hook, Hooks, RetryDelays, RunNamer, TaskSpec


class TaskOptions(TypedDict, total=False):
    """What ``@task`` and ``with_options`` take."""

    name: str | None
    description: str | None
    tags: Iterable[str] | None
    version: str | None
    task_run_name: RunNamer | None
    retries: int | None
    retry_delay_seconds: RetryDelays
    retry_jitter_factor: float | None
    retry_condition_fn: Callable[..., Any] | None
    timeout_seconds: float | timedelta | None
    log_prints: bool | None
    cache_policy: CachePolicy | None
    cache_key_fn: CacheKeyFn | None
    cache_expiration: timedelta | None
    refresh_cache: bool | None
    persist_result: bool | None
    result_storage: Any
    result_serializer: Serializer | str | None
    result_storage_key: RunNamer | None
    cache_result_in_memory: bool
    asset_deps: Iterable[Any] | None
    on_running: Sequence[Hook] | None
    on_completion: Sequence[Hook] | None
    on_failure: Sequence[Hook] | None
    on_cancellation: Sequence[Hook] | None
    on_crashed: Sequence[Hook] | None
    on_rollback: Sequence[Hook] | None
    on_commit: Sequence[Hook] | None
    viz_return_value: Any


def make_spec(fn: Callable[..., Any], options: TaskOptions) -> TaskSpec:
    """Return what a task of these options declares.

    Raises:
        TypeError, ValueError: an option that does not exist, or is not what it must be.
    """
    check_options(options, known=TaskOptions.__optional_keys__, of="@task")
    code = own_code(fn)
    return TaskSpec(
        fn=fn,
        name=options.get("name") or code.__name__,
        key=code.__qualname__.replace("<locals>.", ""),
        signature=inspect.signature(fn),
        is_async=is_async(fn),
        is_generator=is_generator(fn),
        description=options.get("description") or inspect.getdoc(fn),
        version=options.get("version"),
        tags=frozenset(options.get("tags") or ()),
        run_name=options.get("task_run_name"),
        retry=make_policy(
            retries=options.get("retries"),
            delay_seconds=options.get("retry_delay_seconds"),
            jitter_factor=options.get("retry_jitter_factor"),
            condition=options.get("retry_condition_fn"),
        ),
        timeout_seconds=seconds_of(options.get("timeout_seconds")),
        log_prints=options.get("log_prints"),
        results=declared_results(options),
        hooks=Hooks(
            on_running=tuple(options.get("on_running") or ()),
            on_completion=tuple(options.get("on_completion") or ()),
            on_failure=tuple(options.get("on_failure") or ()),
            on_cancellation=tuple(options.get("on_cancellation") or ()),
            on_crashed=tuple(options.get("on_crashed") or ()),
            on_rollback=tuple(options.get("on_rollback") or ()),
            on_commit=tuple(options.get("on_commit") or ()),
        ),
        viz_return_value=options.get("viz_return_value"),
    )
