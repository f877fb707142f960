"""The ``@flow`` decorator and what it makes: call it, configure it, describe its parameters."""

import asyncio
import importlib
import inspect
from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
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
from headgate.declared import Declared, plain_function
from headgate.engine import flow_run
from headgate.engine.opening import FlowCall
from headgate.engine.parameters import ParameterSchema, bind, schema, unreadable, validate
from headgate.engine.sketches import current_sketch, draw
from headgate.flow_options import FlowOptions, make_spec
from headgate.hooks import Hooked
from headgate.specs import FlowSpec, Hook, RunNamer
from headgate.states import State

if TYPE_CHECKING:
    from headgate.engine.entrypoints import load_flow_from_entrypoint
    from headgate.serving import aserve, serve

__all__ = [
    "Flow",
    "FlowDecorator",
    "FlowOptions",
    "FlowStateHook",
    "aserve",
    "flow",
    "load_flow_from_entrypoint",
    "serve",
]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R", covariant=True)
S = TypeVar("S")
T = TypeVar("T")

FlowStateHook = Hook


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
        self.spec = make_spec(function, options)
        update_wrapper(cast("Any", self), function)

    @property
    def task_runner(self) -> Any:
        """What its submitted tasks run in, as it was declared; None for threads."""
        return self.spec.task_runner

    @property
    def flow_run_name(self) -> RunNamer | None:
        """What names its runs."""
        return self.spec.run_name

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

    def generate_mermaid_graph(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the drawing of ``visualize`` as a Mermaid graph.

        Raises:
            VisualizationError: the flow looks into what a task returns.
        """
        drawing = self.visualize(*args, **kwargs)
        return _mermaid(drawing) if inspect.isawaitable(drawing) else drawing.mermaid()

    async def avisualize(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Do as ``visualize`` does, in a coroutine."""
        drawing = self.visualize(*args, **kwargs)
        return await drawing if inspect.isawaitable(drawing) else drawing

    async def agenerate_mermaid_graph(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Do as ``generate_mermaid_graph`` does, in a coroutine."""
        return (await self.avisualize(*args, **kwargs)).mermaid()

    @property
    def parameters(self) -> ParameterSchema:
        """What the flow takes: ``properties``, ``required`` and the rest of its JSON Schema."""
        return ParameterSchema.of(self.parameter_schema())

    def parameter_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameters, as deployments store it."""
        return schema(self.fn, signature=self.spec.signature)

    def unreadable_parameters(self) -> dict[str, str]:
        """Return the parameters whose annotations cannot be read, and why: they take anything."""
        return unreadable(self.fn, signature=self.spec.signature)

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

    @staticmethod
    async def afrom_source(source: Any, entrypoint: str) -> Any:
        """Do as ``from_source`` does, in a coroutine."""
        return await asyncio.to_thread(_deployments("sources").loaded_flow, source, entrypoint)

    def deploy(self, name: str, work_pool_name: str, **options: Any) -> str:
        """Create a deployment of this flow, or change it, and return its id.

        Args:
            work_pool_name: whose agents run it.
            options: see ``headgate.deployments.from_flows.deploy_flow``.
        """
        deploy: Callable[..., str] = _deployments("from_flows").deploy_flow
        return deploy(self, name=name, work_pool_name=work_pool_name, **options)

    async def adeploy(self, name: str, work_pool_name: str, **options: Any) -> str:
        """Do as ``deploy`` does, in a coroutine."""
        return await asyncio.to_thread(self.deploy, name, work_pool_name, **options)

    def to_deployment(self, name: str, **options: Any) -> Any:
        """Return what ``headgate.serve`` is to store of this flow; the options are ``deploy``'s."""
        return _deployments("runner").to_deployment(self, name, **options)

    async def ato_deployment(self, name: str, **options: Any) -> Any:
        """Do as ``to_deployment`` does, in a coroutine."""
        return self.to_deployment(name, **options)

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


async def _mermaid(drawing: Any) -> str:
    return (await drawing).mermaid()


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


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(
        __name__,
        {
            "aserve": "headgate.serving",
            "load_flow_from_entrypoint": "headgate.engine.entrypoints",
            "serve": "headgate.serving",
        },
    )
