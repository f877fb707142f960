"""What flows and tasks have in common: what they declare can be read, and methods are bound."""

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self, cast

from headgate.specs import FlowSpec, Hook, RunNamer, TaskSpec


class Declared:
    """A function with what its decorator was told, under Prefect's names."""

    spec: Any
    fn: Callable[..., Any]
    isclassmethod = False

    @property
    def name(self) -> str:
        """The name of the flow or task."""
        return self.spec.name

    @property
    def description(self) -> str | None:
        """What it does; the function's docstring by default."""
        return self.spec.description

    @property
    def version(self) -> str | None:
        """The version that the author gave."""
        return self.spec.version

    @property
    def is_async(self) -> bool:
        """Whether a call returns a coroutine or an asynchronous generator."""
        return self.spec.is_async

    @property
    def isasync(self) -> bool:
        """Whether a call returns a coroutine or an asynchronous generator."""
        return self.spec.is_async

    @property
    def isgenerator(self) -> bool:
        """Whether the function yields its items."""
        return self.spec.is_generator

    @property
    def retries(self) -> int:
        """How many attempts may follow the first."""
        return self.spec.retry.limit

    @property
    def retry_delay_seconds(self) -> float | list[float]:
        """Seconds before a retry: one number, or one for each."""
        delays = self.spec.retry.delays
        return list(delays) if len(delays) > 1 else (delays[0] if delays else 0.0)

    @property
    def retry_jitter_factor(self) -> float | None:
        """How far the delays are spread."""
        return self.spec.retry.jitter_factor

    @property
    def retry_condition_fn(self) -> Callable[..., Any] | None:
        """What decides whether a failure is worth a retry."""
        return self.spec.retry.condition

    @property
    def timeout_seconds(self) -> float | None:
        """How long an attempt may take."""
        return self.spec.timeout_seconds

    @property
    def log_prints(self) -> bool | None:
        """Whether what it prints is logged; None where what is around it decides."""
        return self.spec.log_prints

    @property
    def persist_result(self) -> bool | None:
        """Whether results are kept; None where nobody said."""
        return self.spec.results.is_kept

    @property
    def result_storage(self) -> Any:
        """Where they are kept, as it was declared."""
        return self.spec.results.storage

    @property
    def result_serializer(self) -> Any:
        """What writes them, as it was declared."""
        return self.spec.results.serializer

    @property
    def on_running_hooks(self) -> list[Hook]:
        """What is called as a run begins."""
        return list(self.spec.hooks.on_running)

    @property
    def on_completion_hooks(self) -> list[Hook]:
        """What is called as a run ends well."""
        return list(self.spec.hooks.on_completion)

    @property
    def on_failure_hooks(self) -> list[Hook]:
        """What is called as a run fails."""
        return list(self.spec.hooks.on_failure)

    @property
    def on_cancellation_hooks(self) -> list[Hook]:
        """What is called as a run was cancelled."""
        return list(self.spec.hooks.on_cancellation)

    @property
    def on_crashed_hooks(self) -> list[Hook]:
        """What is called as a run has crashed."""
        return list(self.spec.hooks.on_crashed)

    def _bound(self, instance: object | None, owner: type | None) -> Self:
        """Return a copy whose function is bound, as a method that is looked up."""
        subject = owner if self.isclassmethod else instance
        if subject is None:
            return self
        made = copy.copy(self)
        made.fn = cast("Any", self.fn).__get__(subject, owner)
        spec: FlowSpec | TaskSpec = self.spec
        made.spec = replace(spec, fn=made.fn, signature=inspect.signature(made.fn))
        return made


class DeclaredTask(Declared):
    """What of a task's declaration no flow has."""

    spec: TaskSpec
    options: Any

    @property
    def task_key(self) -> str:
        """What names the function among all tasks of a flow."""
        return self.spec.key

    @property
    def tags(self) -> frozenset[str]:
        """What each of its runs is tagged with."""
        return self.spec.tags

    @property
    def task_run_name(self) -> RunNamer | None:
        """What names its runs."""
        return self.spec.run_name

    @property
    def cache_policy(self) -> Any:
        """Which calls are the same; None for the default."""
        return self.spec.results.policy

    @property
    def cache_key_fn(self) -> Callable[..., str | None] | None:
        """What makes the key of a call."""
        return self.options.get("cache_key_fn")

    @property
    def cache_expiration(self) -> timedelta | None:
        """After how long a cached result counts no more."""
        return self.options.get("cache_expiration")

    @property
    def refresh_cache(self) -> bool | None:
        """Whether results are made again though there are some; None where nobody said."""
        return self.spec.results.is_refreshed

    @property
    def result_storage_key(self) -> RunNamer | None:
        """The path of a result in its storage, where that is declared."""
        return self.spec.results.storage_key

    @property
    def on_rollback_hooks(self) -> list[Hook]:
        """What undoes its work."""
        return list(self.spec.hooks.on_rollback)

    @property
    def on_commit_hooks(self) -> list[Hook]:
        """What is called as its work is kept."""
        return list(self.spec.hooks.on_commit)

    @property
    def viz_return_value(self) -> Any:
        """What it hands on while its flow is drawn."""
        return self.spec.viz_return_value


def plain_function(fn: Any) -> tuple[Any, bool, bool]:
    """Return the function behind a ``classmethod`` or ``staticmethod``, and which it was."""
    is_class, is_static = isinstance(fn, classmethod), isinstance(fn, staticmethod)
    return (fn.__func__ if is_class or is_static else fn), is_class, is_static


def own_code(fn: Any) -> Any:
    """Return what has a name of its own: the function of a partial, the class of an object."""
    while isinstance(fn, functools.partial):
        fn = cast("functools.partial[Any]", fn).func
    return fn if hasattr(fn, "__qualname__") else cast("Any", type(fn))


def is_async(fn: Any) -> bool:
    """Whether a call returns a coroutine or an asynchronous generator."""
    return any(map(inspect.iscoroutinefunction, _called(fn))) or any(
        map(inspect.isasyncgenfunction, _called(fn))
    )


def is_generator(fn: Any) -> bool:
    """Whether a call yields items, asynchronously or not."""
    return any(map(inspect.isgeneratorfunction, _called(fn))) or any(
        map(inspect.isasyncgenfunction, _called(fn))
    )


def _called(fn: Any) -> tuple[Any, Any]:
    return fn, getattr(fn, "__call__", None)  # noqa: B004 - the method of an object's class
