"""The ``@flow`` decorator and what it makes: call it, configure it, describe its parameters."""

import importlib
import inspect
from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import timedelta
from functools import update_wrapper
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from headgate.declared import Declared, plain_function
from headgate.declared_results import flow_results
from headgate.engine import flow_run
from headgate.engine.opening import FlowCall
from headgate.engine.parameters import bind, schema, validate
from headgate.engine.retries import make_policy
from headgate.engine.sketches import current_sketch, draw
from headgate.hooks import Hooked
from headgate.serializers import Serializer
from headgate.specs import FlowSpec, Hook, Hooks, RetryDelays, RunNamer
from headgate.states import State
from headgate.task_runners import TaskRunner
from headgate.texts import storable

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R", covariant=True)
S = TypeVar("S")
T = TypeVar("T")

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


class Flow(Hooked, Declared, Generic[P, R]):
    """A function whose calls are flow runs.

    Args:
        fn: the function; its signature is the flow's.
        options: as ``@flow`` takes them.
    """

    __name__: str
    spec: FlowSpec
    source: Any = None
    """Where it was loaded from, and its entrypoint there; None where it was imported."""

    def __init__(self, fn: Callable[P, R], **options: Unpack[FlowOptions]) -> None:
        function, self.isclassmethod, self.isstaticmethod = plain_function(fn)
        if not callable(function):
            message = f"@flow needs a function, not {fn!r}"
            raise TypeError(message)
        self.fn = function
        self.options = options
        self.spec = _make_spec(function, options)
        update_wrapper(cast("Any", self), function)

    @property
    def task_runner(self) -> Any:
        """What its submitted tasks run in, as it was declared; None for threads."""
        return self.spec.task_runner

    @property
    def should_validate_parameters(self) -> bool:
        """Whether the parameters are checked against their annotations."""
        return self.spec.validate_parameters

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> "Flow[P, R]": ...

    @overload
    def __get__(
        self: "Flow[Concatenate[S, Q], R]", instance: S, owner: type[Any] | None = None
    ) -> "Flow[Q, R]": ...

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> "Flow[..., Any]":
        """Return the flow of a method, bound to its object or, of a class method, to its class."""
        return self if self.isstaticmethod else self._bound(instance, owner)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - the first that fits is meant
        self: "Flow[..., Generator[T, Any, Any]]",
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> State[list[T]]: ...

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - the first that fits is meant
        self: "Flow[..., AsyncGenerator[T, Any]]",
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[list[T]]]: ...

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - the first that fits is meant
        self: "Flow[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[T]]: ...

    @overload
    def __call__(
        self: "Flow[..., T]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> State[T]: ...

    @overload
    def __call__(
        self: "Flow[..., T]", *args: Any, wait_for: Iterable[Any] | None, **kwargs: Any
    ) -> T: ...

    def __call__(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the flow here and return its result; inside another flow, as its subflow.

        A flow of a generator function returns a generator: the run begins with the first item that
        is asked for, goes on as the next ones are, and ends with the last, or when the caller
        closes the generator.

        Args:
            return_state: return the final state instead, and do not raise a failure; a generator
                is exhausted, and its items are the result.
            wait_for: futures or states that must complete first.
        """
        parameters = bind(self.spec.signature, name=self.name, args=args, kwargs=kwargs)
        sketch = current_sketch.get()
        if sketch is not None:
            return sketch.call(self.spec, parameters, wait_for=wait_for, return_state=return_state)
        call = FlowCall(
            flow=self,
            spec=self.spec,
            parameters=parameters,
            wait_for=wait_for,
            is_lazy=self.spec.is_generator and not return_state,
        )
        if call.is_lazy:
            return flow_run.iterate(call)
        if self.spec.is_async:
            return _awaited(call, return_state=return_state)
        state = flow_run.run_here(call)
        return state if return_state else state.outcome()

    def with_options(self, **options: Unpack[FlowOptions]) -> "Flow[P, R]":
        """Return a flow of the same function with some options changed."""
        changed = Flow(self.fn, **{**self.options, **options})
        self._keep_hooks(changed, options=options)
        return changed

    def visualize(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return a drawing of the tasks that the flow calls; only the flow's own code runs.

        A task hands its ``viz_return_value`` on, or something that may only be passed to other
        tasks. Where the flow is a coroutine function and an event loop runs, await the drawing.

        Raises:
            VisualizationError: the flow looks into what a task returns.
        """
        bind(self.spec.signature, name=self.name, args=args, kwargs=kwargs)
        return draw(self.spec, args, kwargs)

    def parameter_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameters, as deployments store it."""
        return schema(self.fn, signature=self.spec.signature)

    def validate_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters given by name, validated and coerced, with defaults filled in.

        Raises:
            ParameterError: one is missing, unknown, or does not fit its annotation.
        """
        bound = bind(self.spec.signature, name=self.name, args=(), kwargs=parameters)
        return validate(self.fn, signature=self.spec.signature, name=self.name, parameters=bound)

    @staticmethod
    def from_source(source: Any, entrypoint: str) -> Any:
        """Return a flow whose code is elsewhere; where an event loop runs, await it.

        Args:
            source: a repository's address, a folder, a block that keeps files, or one of
                ``headgate.runner.storage``.
            entrypoint: ``path/file.py:flow`` in it.

        Raises:
            EntrypointError: the code cannot be had, or there is no such flow in it.
        """
        return _deployments("sources").flow_from_source(source, entrypoint)

    def deploy(self, name: str, work_pool_name: str, **options: Any) -> str:
        """Create a deployment of this flow, or change it, and return its id.

        Args:
            work_pool_name: whose agents run it.
            options: see ``headgate.deployments.from_flows.deploy_flow``.
        """
        deploy: Callable[..., str] = _deployments("from_flows").deploy_flow
        return deploy(self, name=name, work_pool_name=work_pool_name, **options)

    def to_deployment(self, name: str, **options: Any) -> Any:
        """Return what ``headgate.serve`` is to store of this flow; the options are ``deploy``'s."""
        return importlib.import_module("headgate.serving").to_deployment(self, name, **options)

    def serve(self, name: str | None = None, *, limit: int | None = None, **options: Any) -> None:
        """Store a deployment of this flow, and run it here until the process is stopped.

        Args:
            name: of the deployment; the flow's own unless said.
            limit: how many runs at once.
            options: those of ``deploy``, and ``pause_on_shutdown``.
        """
        is_paused = options.pop("pause_on_shutdown", True)
        served = self.to_deployment(name or self.name, **options)
        serving = importlib.import_module("headgate.serving")
        serving.serve(served, limit=limit, pause_on_shutdown=is_paused)

    def __repr__(self) -> str:
        return f"Flow({self.name!r})"


def _deployments(module: str) -> Any:
    """Return a module of the floor above, which stays unloaded until a flow is deployed."""
    return importlib.import_module(f"headgate.deployments.{module}")


class FlowDecorator:
    """What ``flow`` is: a decorator, and the way to flows whose code is elsewhere."""

    from_source = staticmethod(Flow.from_source)

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...

    @overload
    def __call__(
        self, fn: None = None, /, **options: Unpack[FlowOptions]
    ) -> Callable[[Callable[P, R]], Flow[P, R]]: ...

    def __call__(
        self, fn: Callable[..., Any] | None = None, /, **options: Unpack[FlowOptions]
    ) -> Any:
        """Make a flow of a function.

        Args:
            fn: the function, when the decorator is used without options.
            options: ``name``: at most 200 characters; ``description``, ``version``;
                ``flow_run_name``: a template over the parameters, or a function, cut after 200
                characters; ``retries`` after the first attempt and
                ``retry_delay_seconds``: a number, a list, or a function of the number of retries;
                ``retry_jitter_factor``; ``retry_condition_fn``: called with (flow, run, state);
                ``timeout_seconds`` of each attempt; ``validate_parameters`` by their annotations,
                on by default; ``task_runner`` for submitted tasks; ``log_prints``;
                ``persist_result``, ``result_storage`` and ``result_serializer`` of tasks that do
                not say; the hooks ``on_running``, ``on_completion``, ``on_failure``,
                ``on_cancellation``, ``on_crashed``.
        """
        if fn is not None:
            return Flow(fn, **options)

        def decorate(function: Callable[..., Any]) -> Flow[..., Any]:
            return Flow(function, **options)

        return decorate


flow = FlowDecorator()


async def _awaited(call: FlowCall, *, return_state: bool) -> Any:
    state = await flow_run.run_here_async(call)
    return state if return_state else state.outcome()


def _name_of(fn: Callable[..., Any], options: FlowOptions) -> str:
    name = storable(options.get("name") or fn.__name__.replace("_", "-"))
    if len(name) > MAX_NAME:
        message = f"A flow's name has at most {MAX_NAME} characters, not {len(name)}"
        raise ValueError(message)
    return name


def _make_spec(fn: Callable[..., Any], options: FlowOptions) -> FlowSpec:
    timeout = options.get("timeout_seconds")
    return FlowSpec(
        fn=fn,
        name=_name_of(fn, options),
        signature=inspect.signature(fn),
        is_async=inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn),
        is_generator=inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn),
        description=options.get("description") or inspect.getdoc(fn),
        version=options.get("version"),
        run_name=options.get("flow_run_name"),
        retry=make_policy(
            retries=options.get("retries"),
            delay_seconds=options.get("retry_delay_seconds"),
            jitter_factor=options.get("retry_jitter_factor"),
            condition=options.get("retry_condition_fn"),
        ),
        timeout_seconds=timeout.total_seconds() if isinstance(timeout, timedelta) else timeout,
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
