"""Drawings of flows: their own code runs, and each task that it calls becomes a node."""

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from headgate.annotations import allow_failure, quote, unmapped
from headgate.engine.effects import Call, Steps, drive, drive_async
from headgate.engine.parameters import as_call
from headgate.errors import RunError
from headgate.specs import FlowSpec, TaskSpec

_CONTAINERS = (list, tuple, set, frozenset)


class VisualizationError(RunError):
    """The flow looks into what a task returns: give the task a ``viz_return_value``."""


@dataclass(frozen=True, slots=True)
class Node:
    """A call of a task or subflow.

    Args:
        upstream: the numbers of the calls whose results it was given, or waits for.
    """

    number: int
    name: str
    upstream: tuple[int, ...] = ()
    is_flow: bool = False
    is_mapped: bool = False

    @property
    def label(self) -> str:
        """How the drawing calls it."""
        return f"{self.name} (mapped)" if self.is_mapped else self.name


@dataclass(frozen=True, slots=True)
class Drawing:
    """The calls of a flow and how they hang together; as text it is a Mermaid graph."""

    name: str
    nodes: tuple[Node, ...]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """The names of the calls, from the one whose result is used to the one that uses it."""
        return [
            (self.nodes[number].name, node.name) for node in self.nodes for number in node.upstream
        ]

    def mermaid(self) -> str:
        """Return the drawing as a Mermaid graph."""
        lines = ["graph TD"]
        for node in self.nodes:
            label = node.label.replace('"', "#quot;")
            lines.append(
                f'  n{node.number}[["{label}"]]' if node.is_flow else f'  n{node.number}["{label}"]'
            )
        lines += [
            f"  n{number} --> n{node.number}" for node in self.nodes for number in node.upstream
        ]
        return "\n".join(lines) + "\n"

    def dot(self) -> str:
        """Return the drawing in Graphviz's language."""
        lines = [f"digraph {_quoted(self.name)} {{"]
        for node in self.nodes:
            shape = ", shape=box" if node.is_flow else ""
            lines.append(f"  n{node.number} [label={_quoted(node.label)}{shape}];")
        lines += [
            f"  n{number} -> n{node.number};" for node in self.nodes for number in node.upstream
        ]
        return "\n".join([*lines, "}"]) + "\n"

    def __str__(self) -> str:
        return self.mermaid()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Placeholder:
    """Stands for what a task would have returned; may be handed to other tasks, and no more."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        message = (
            f"The flow looks into the result of {self._node.name!r}, which a drawing does not "
            f"have: give the task a viz_return_value"
        )
        raise VisualizationError(message)

    __iter__ = __getitem__ = __bool__ = __len__ = __call__ = __contains__ = _refuse
    __add__ = __radd__ = __sub__ = __mul__ = __truediv__ = __lt__ = __gt__ = _refuse
    __le__ = __ge__ = __int__ = __float__ = __index__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()


class _FutureOf:
    """Stands for the future of a submitted task."""

    def __init__(self, node: Node, value: Any) -> None:
        self.node = node
        self._value = value

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:  # noqa: FBT001, FBT002 - as a future's
        """Return what stands for the result."""
        del timeout, raise_on_failure
        return self._value

    def wait(self, timeout: float | None = None) -> None:
        """Do nothing: nothing runs."""
        del timeout


class _FuturesOf(list[_FutureOf]):
    def result(self, timeout: float | None = None) -> list[Any]:
        """Return what stands for the results."""
        del timeout
        return [future.result() for future in self]

    def wait(self, timeout: float | None = None) -> None:
        """Do nothing: nothing runs."""
        del timeout


@dataclass(slots=True)
class Sketch:
    """Takes down the calls of one flow."""

    nodes: list[Node] = field(default_factory=list[Node])
    _values: list[tuple[Any, Node]] = field(default_factory=list[tuple[Any, Node]])

    def call(
        self,
        spec: FlowSpec | TaskSpec,
        parameters: Mapping[str, Any],
        *,
        wait_for: Iterable[Any] | None = None,
        return_state: bool = False,
    ) -> Any:
        """Take down a direct call, and return what stands for its result."""
        value = self._value(spec, self._note(spec, parameters, wait_for=wait_for))
        if return_state:
            value = _FutureOf(self.nodes[-1], value)
        return _awaited(value) if spec.is_async and not spec.is_generator else value

    def submit(
        self, spec: TaskSpec, parameters: Mapping[str, Any], *, wait_for: Iterable[Any] | None
    ) -> Any:
        """Take down a submission, and return what stands for its future."""
        node = self._note(spec, parameters, wait_for=wait_for)
        return _FutureOf(node, self._value(spec, node))

    def map(
        self, spec: TaskSpec, parameters: Mapping[str, Any], *, wait_for: Iterable[Any] | None
    ) -> Any:
        """Take down a map as one node, and return what stands for its futures."""
        node = self._note(spec, parameters, wait_for=wait_for, is_mapped=True)
        return _FuturesOf([_FutureOf(node, self._value(spec, node))])

    def _note(
        self,
        spec: FlowSpec | TaskSpec,
        parameters: Mapping[str, Any],
        *,
        wait_for: Iterable[Any] | None,
        is_mapped: bool = False,
    ) -> Node:
        found: dict[int, None] = {}
        for value in (*parameters.values(), list(wait_for or ())):
            found.update(dict.fromkeys(self._upstream(value)))
        node = Node(
            number=len(self.nodes),
            name=spec.name,
            upstream=tuple(found),
            is_flow=isinstance(spec, FlowSpec),
            is_mapped=is_mapped,
        )
        self.nodes.append(node)
        return node

    def _value(self, spec: FlowSpec | TaskSpec, node: Node) -> Any:
        value = spec.viz_return_value if isinstance(spec, TaskSpec) else None
        if value is None:
            return _Placeholder(node)
        self._values.append((value, node))
        return value

    def _upstream(self, value: Any) -> list[int]:
        """Return the calls that a value comes from, by the very objects that they handed on."""
        if isinstance(value, _Placeholder):
            return [vars(value)["_node"].number]
        if isinstance(value, _FutureOf):
            return [value.node.number]
        if isinstance(value, unmapped | allow_failure | quote):
            return self._upstream(cast("Any", value).value)
        own = [node.number for known, node in self._values if known is value]
        if own:
            return own[-1:]
        if isinstance(value, Mapping):
            items: Iterable[Any] = cast("Mapping[Any, Any]", value).values()
        elif isinstance(value, _CONTAINERS):
            items = cast("Iterable[Any]", value)
        else:
            return []
        return [number for item in items for number in self._upstream(item)]


current_sketch: ContextVar[Sketch | None] = ContextVar("headgate_sketch", default=None)


async def _awaited(value: Any) -> Any:
    return value


def draw(spec: FlowSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return the drawing of a flow; its coroutine where an event loop runs."""
    bound = spec.signature.bind(*args, **kwargs)
    bound.apply_defaults()
    positional, keyword = as_call(spec.signature, parameters=bound.arguments)
    steps = _steps(spec, lambda: spec.fn(*positional, **keyword))
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return drive(steps)
    return drive_async(steps)


def _steps(spec: FlowSpec, call: Callable[[], Any]) -> Steps[Drawing]:
    sketch = Sketch()
    token = current_sketch.set(sketch)
    try:
        if spec.is_generator:
            yield Call(_exhausted, args=(call,), is_async=True)
        elif spec.is_async:
            yield Call(call, is_async=True)
        else:
            call()
    finally:
        current_sketch.reset(token)
    return Drawing(spec.name, tuple(sketch.nodes))


async def _exhausted(call: Callable[[], Any]) -> None:
    items = call()
    if inspect.isasyncgen(items):
        async for _ in cast("Any", items):
            pass
        return
    for _ in items:
        pass
