"""The ``@task`` decorator and what it makes: call it, submit it, map it."""

from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from functools import update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from headgate import elsewhere
from headgate.background_tasks.calls import BackgroundCalls
from headgate.cache_policies import task_input_hash
from headgate.declared import DeclaredTask, plain_function
from headgate.engine import task_run
from headgate.engine.context import TaskRunContext
from headgate.engine.maps import rows
from headgate.engine.parameters import as_call, bind
from headgate.engine.retries import MAX_DELAYS
from headgate.engine.sketches import current_sketch
from headgate.futures import Future, FutureList
from headgate.hooks import TransactionHooked
from headgate.specs import TaskSpec
from headgate.states import State
from headgate.task_options import TaskOptions, make_spec

if TYPE_CHECKING:
    from headgate.assets.materializing import MaterializingTask

__all__ = [
    "MaterializingTask",
    "Task",
    "TaskOptions",
    "exponential_backoff",
    "task",
    "task_input_hash",
]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R", covariant=True)
S = TypeVar("S")
T = TypeVar("T")

Items = Generator[T, Any, Any] | AsyncGenerator[T, Any]
"""What calling a generator function returns."""


class Task(TransactionHooked, BackgroundCalls[P, R], DeclaredTask, Generic[P, R]):
    """A function whose calls are recorded, retried and limited as its options say.

    Args:
        fn: the function; its signature is the task's.
        options: as ``@task`` takes them.
    """

    __name__: str
    spec: TaskSpec
    options: TaskOptions

    def __init__(self, fn: Callable[P, R], **options: Unpack[TaskOptions]) -> None:
        function, self.isclassmethod, self.isstaticmethod = plain_function(fn)
        if not callable(function):
            message = f"@task needs a function, not {fn!r}"
            raise TypeError(message)
        self.fn = function
        self.options = options
        self.spec = make_spec(function, options)
        update_wrapper(cast("Any", self), function)

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> "Task[P, R]": ...

    @overload
    def __get__(
        self: "Task[Concatenate[S, Q], R]", instance: S, owner: type[Any] | None = None
    ) -> "Task[Q, R]": ...

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> "Task[..., Any]":
        """Return the task of a method, bound to its object or, of a class method, to its class."""
        return self if self.isstaticmethod else self._bound(instance, owner)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - the first that fits is meant
        self: "Task[..., Generator[T, Any, Any]]",
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> State[list[T]]: ...

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - the first that fits is meant
        self: "Task[..., AsyncGenerator[T, Any]]",
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[list[T]]]: ...

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - the first that fits is meant
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[T]]: ...

    @overload
    def __call__(
        self: "Task[..., T]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> State[T]: ...

    @overload
    def __call__(
        self: "Task[..., T]", *args: Any, wait_for: Iterable[Any] | None, **kwargs: Any
    ) -> T: ...

    def __call__(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the task here and return its result.

        A task of a generator function returns a generator: the run begins with the first item that
        is asked for, goes on as the next ones are, and ends with the last, or when the caller
        closes the generator.

        Args:
            return_state: return the final state instead, and do not raise a failure; a generator
                is exhausted, and its items are the result.
            wait_for: futures or states that must complete first.
        """
        sketch = current_sketch.get()
        if sketch is not None or (self.spec.is_generator and not return_state):
            parameters = bind(self.spec.signature, name=self.name, args=args, kwargs=kwargs)
            if sketch is not None:
                return sketch.call(
                    self.spec, parameters, wait_for=wait_for, return_state=return_state
                )
            return task_run.iterate(self, spec=self.spec, parameters=parameters, wait_for=wait_for)
        context = self._context(args, kwargs, wait_for=wait_for)
        if self.spec.is_async:
            return _awaited(context, return_state=return_state)
        state = task_run.run_here(context)
        return state if return_state else state.outcome()

    @overload
    def submit(self: "Task[P, Items[T]]", *args: P.args, **kwargs: P.kwargs) -> Future[list[T]]: ...

    @overload
    def submit(
        self: "Task[P, Coroutine[Any, Any, T]]", *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]: ...

    @overload
    def submit(self: "Task[P, T]", *args: P.args, **kwargs: P.kwargs) -> Future[T]: ...

    @overload
    def submit(
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> State[T]: ...

    @overload
    def submit(
        self: "Task[..., T]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> State[T]: ...

    @overload
    def submit(
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        wait_for: Iterable[Any] | None,
        **kwargs: Any,
    ) -> Future[T]: ...

    @overload
    def submit(
        self: "Task[..., T]", *args: Any, wait_for: Iterable[Any] | None, **kwargs: Any
    ) -> Future[T]: ...

    def submit(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Start the task beside the flow, in its task runner, and return its future.

        The result of a generator function is the list of its items.

        Args:
            return_state: wait, and return the final state instead.
            wait_for: futures or states that must complete first.
        """
        sketch = current_sketch.get()
        if sketch is not None:
            parameters = bind(self.spec.signature, name=self.name, args=args, kwargs=kwargs)
            return sketch.submit(self.spec, parameters, wait_for=wait_for)
        future = task_run.submit(self._context(args, kwargs, wait_for=wait_for))
        if not return_state:
            return future
        future.wait()
        return future.state

    @overload
    def map(
        self: "Task[..., Any]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> list[State[Any]]: ...

    @overload
    def map(
        self: "Task[..., Items[T]]",
        *args: Any,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> FutureList[list[T]]: ...

    @overload
    def map(
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> FutureList[T]: ...

    @overload
    def map(
        self: "Task[..., T]", *args: Any, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> FutureList[T]: ...

    def map(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        deferred: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Start the task once per item of its iterable arguments.

        Strings, mappings and what is wrapped in ``unmapped`` go whole to every call. A future in
        the place of an iterable is awaited first.

        Args:
            deferred: queue each call for a task worker, as ``apply_async`` does.

        Raises:
            ParameterError: nothing is iterable, or lengths differ.
        """
        parameters = bind(self.spec.signature, name=self.name, args=args, kwargs=kwargs)
        sketch = current_sketch.get()
        if sketch is not None:
            return sketch.map(self.spec, parameters, wait_for=wait_for)
        needed = list(wait_for) if wait_for else None
        calls = rows(parameters, signature=self.spec.signature)
        if deferred:
            given = [as_call(self.spec.signature, parameters=row) for row in calls]
            return FutureList(self.apply_async(*call, wait_for=needed) for call in given)
        futures: FutureList[Any] = FutureList(
            task_run.submit(
                task_run.make_context(
                    self, spec=self.spec, parameters=row, wait_for=needed, map_index=index
                )
            )
            for index, row in enumerate(calls)
        )
        if not return_state:
            return futures
        futures.wait()
        return [future.state for future in futures]

    def with_options(self, **options: Unpack[TaskOptions]) -> "Task[P, R]":
        """Return a task of the same function with some options changed."""
        changed = Task(self.fn, **{**self.options, **options})
        self._keep_hooks(changed, options=options)
        return changed

    def _context(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, wait_for: Iterable[Any] | None
    ) -> TaskRunContext:
        parameters = bind(self.spec.signature, name=self.name, args=args, kwargs=kwargs)
        return task_run.make_context(self, spec=self.spec, parameters=parameters, wait_for=wait_for)

    def __repr__(self) -> str:
        return f"Task({self.name!r})"


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(
    fn: None = None, /, **options: Unpack[TaskOptions]
) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(fn: Callable[..., Any] | None = None, /, **options: Unpack[TaskOptions]) -> Any:
    """Make a task of a function.

    Args:
        fn: the function, when the decorator is used without options.
        options: ``name``, ``description``, ``version``; ``tags``, of which the server is told 50,
            each cut after 100 characters; ``task_run_name``: a template over the parameters, or a
            function, cut after 300 characters in reports; ``retries`` after the first attempt,
            ``retry_delay_seconds``: a number, a list, or a function of the number of retries;
            ``retry_jitter_factor``; ``retry_condition_fn``: called with (task, run, state);
            ``timeout_seconds`` of each attempt; ``log_prints``; ``cache_policy``: which calls are
            the same, ``cache_key_fn``: makes the key from (context, parameters),
            ``cache_expiration``, ``refresh_cache``; ``persist_result``: whether results are kept
            also without a cache, ``result_storage``, ``result_serializer``,
            ``result_storage_key``: a template over the parameters; ``asset_deps``: what the assets
            of a task of ``@materialize`` are made from; the hooks ``on_running``,
            ``on_completion``, ``on_failure``, ``on_cancellation``, ``on_crashed``, and those of
            its transaction, ``on_rollback`` and ``on_commit``; ``viz_return_value``: what it hands
            on while its flow is drawn.
    """
    if fn is not None:
        return Task(fn, **options)

    def decorate(function: Callable[..., Any]) -> Task[..., Any]:
        return Task(function, **options)

    return decorate


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Return a ``retry_delay_seconds`` that doubles: factor, factor * 2, factor * 4 and so on."""

    def delays(retries: int) -> list[float]:
        return [backoff_factor * 2.0**retry for retry in range(min(retries, MAX_DELAYS))]

    return delays


async def _awaited(context: TaskRunContext, *, return_state: bool) -> Any:
    state = await task_run.run_here_async(context)
    return state if return_state else state.outcome()


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__, {"MaterializingTask": "headgate.assets.materializing"})
