"""What flows and tasks have in common: what they declare can be read, and methods are bound."""

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self, cast

from headgate.specs import FlowSpec, TaskSpec


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


def plain_function(fn: Any) -> tuple[Any, bool, bool]:
    """Return the function behind a ``classmethod`` or ``staticmethod``, and which it was."""
    is_class, is_static = isinstance(fn, classmethod), isinstance(fn, staticmethod)
    return (fn.__func__ if is_class or is_static else fn), is_class, is_static


def own_code(fn: Any) -> Any:
    """Return what has a name of its own: the function of a partial, the class of an object."""
    while isinstance(fn, functools.partial):
        fn = cast("functools.partial[Any]", fn).func
    return fn if hasattr(fn, "__qualname__") else type(fn)


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
