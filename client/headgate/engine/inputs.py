"""Inputs made by other tasks: finds futures and states in arguments, and puts results in."""

import copy
import dataclasses
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from headgate.annotations import allow_failure, opaque, quote, unmapped
from headgate.errors import UpstreamTaskError
from headgate.futures import Future
from headgate.logs import ENGINE
from headgate.states import State

logger = logging.getLogger(ENGINE)

_PLAIN = frozenset({str, int, float, bool, bytes, type(None), complex})
_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset)
_ANNOTATIONS = (quote, opaque, allow_failure, unmapped)
_REPLACED = (Future, State, *_ANNOTATIONS)
_TOO_DEEP = (
    "A value with futures or states in it is nested too deep to be looked through: hand over its "
    "parts, or wrap what needs no looking through in headgate.opaque(...)."
)


def upstream_futures(values: Iterable[Any]) -> list[Future[Any]]:
    """Return every future in the values, also inside lists, tuples, sets, dicts and dataclasses.

    What refers to itself, or is referred to more than once, is looked through once.
    """
    return [value for value in _walk(values) if isinstance(value, Future)]


def resolve(value: Any, *, is_failure_allowed: bool = False) -> Any:
    """Return the value with each future and state in it replaced by its result.

    All futures must have ended. Containers without any come back as they are. Of a cycle that
    holds some, the copy refers to the original where it closes.

    Raises:
        UpstreamTaskError: one did not complete and its failure was not allowed.
        RecursionError: what holds one is nested deeper than Python's own limit.
    """
    if type(value) in _PLAIN or not any(isinstance(one, _REPLACED) for one in _walk([value])):
        return value
    return _Resolving().replaced(value, is_failure_allowed=is_failure_allowed)


def as_states(value: Any) -> Any:
    """Return the value with each future in it replaced by its state; all must have ended.

    Raises:
        RecursionError: what holds one is nested deeper than Python's own limit.
    """
    if not upstream_futures([value]):
        return value
    return _Showing().replaced(value)


class _Replacing:
    """Rebuilds containers around what is replaced in them; a container once, however often met."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], tuple[Any, Any]] = {}
        """By container and whether failures are allowed: itself, which stays, and the new one."""

    def replaced(self, value: Any, *, is_failure_allowed: bool = False) -> Any:
        """Return what stands for a value.

        Raises:
            UpstreamTaskError, RecursionError: as ``resolve``.
        """
        try:
            return self._of(value, is_failure_allowed=is_failure_allowed)
        except RecursionError as error:
            raise RecursionError(_TOO_DEEP) from error

    def _of(self, value: Any, *, is_failure_allowed: bool) -> Any:
        raise NotImplementedError

    def _container(self, value: Any, *, is_failure_allowed: bool) -> Any:
        key = (id(value), is_failure_allowed)
        if key in self._known:
            return self._known[key][1]
        self._known[key] = value, value
        before = list(_items(value))
        after = [self._of(item, is_failure_allowed=is_failure_allowed) for item in before]
        rebuilt = _rebuilt(value, before=before, after=after)
        self._known[key] = value, rebuilt
        return rebuilt


class _Resolving(_Replacing):
    """Puts results in the place of futures and states, and values in that of annotations."""

    def _of(self, value: Any, *, is_failure_allowed: bool) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Future):
            future = cast("Future[Any]", value)
            label = f"Upstream task run '{future.task_run_id}'"
            return _result(future.state, label=label, is_failure_allowed=is_failure_allowed)
        if isinstance(value, State):
            state = cast("State[Any]", value)
            label = "An upstream state"
            return _result(state, label=label, is_failure_allowed=is_failure_allowed)
        if not isinstance(value, _ANNOTATIONS):
            return self._container(value, is_failure_allowed=is_failure_allowed)
        inner = cast("Any", value).value
        if isinstance(value, quote):
            return inner
        if isinstance(value, opaque) and not isinstance(inner, Future | State | allow_failure):
            return inner
        is_allowed = is_failure_allowed or isinstance(value, allow_failure)
        return self._of(inner, is_failure_allowed=is_allowed)


class _Showing(_Replacing):
    """Puts states in the place of futures."""

    def _of(self, value: Any, *, is_failure_allowed: bool) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Future):
            return cast("Future[Any]", value).state
        return self._container(value, is_failure_allowed=is_failure_allowed)


def _result(state: State[Any], *, label: str, is_failure_allowed: bool) -> Any:
    if not state.is_completed() and not is_failure_allowed:
        message = f"{label} did not reach a 'COMPLETED' state: it is {state}"
        raise UpstreamTaskError(message)
    if not state.is_final():
        return state.data
    return state.outcome(raise_on_failure=False)


def _walk(values: Iterable[Any]) -> Iterator[Any]:
    """Yield all that is not plain in the values and inside them, each container once, in order."""
    seen: dict[int, Any] = {}  # What it holds stays, so that no other object gets its id.
    waiting = [value for value in values if type(value) not in _PLAIN]
    waiting.reverse()
    while waiting:
        value = waiting.pop()
        yield value
        if id(value) not in seen:
            seen[id(value)] = value
            inside = [item for item in _inside(value) if type(item) not in _PLAIN]
            waiting.extend(reversed(inside))


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Future | State | quote):
        return ()
    if not isinstance(value, _ANNOTATIONS):
        return _items(value)
    inner = cast("Any", value).value
    if isinstance(value, opaque) and not isinstance(inner, Future | allow_failure):
        return ()
    return [inner]


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return list(cast("Mapping[Any, Any]", value).values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(cast("Iterable[Any]", value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, name, None) for name in _field_names(value)]
    if _is_model(value):
        return [getattr(value, name, None) for name in _model_fields(value)]
    return ()


def _is_model(value: Any) -> bool:
    """Whether a value is a Pydantic model; the library need not be there."""
    kind = cast("Any", type(value))
    return isinstance(getattr(kind, "__pydantic_fields__", None), dict) and hasattr(
        kind, "model_copy"
    )


def _model_fields(value: Any) -> list[str]:
    return list(cast("Any", type(value)).__pydantic_fields__)


def _rebuilt(value: Any, *, before: list[Any], after: list[Any]) -> Any:
    """Return a container like ``value`` with other items; itself when none differs."""
    if all(new is old for new, old in zip(after, before, strict=True)):
        return value
    if isinstance(value, dict) and type(cast("Any", value)) is not dict:
        return _of_its_kind(cast("dict[Any, Any]", value), after)
    if isinstance(value, Mapping):
        return dict(zip(cast("Mapping[Any, Any]", value), after, strict=True))
    if isinstance(value, tuple) and hasattr(cast("Any", value), "_fields"):
        return type(cast("Any", value))(*after)
    for kind in _SEQUENCES:
        if isinstance(value, kind):
            return kind(after)
    if _is_model(value):
        return cast("Any", value).model_copy(
            update=dict(zip(_model_fields(value), after, strict=True))
        )
    changes = dict(zip(_field_names(value), after, strict=True))
    return dataclasses.replace(cast("Any", value), **changes)


def _of_its_kind(value: dict[Any, Any], after: list[Any]) -> dict[Any, Any]:
    """Return a dictionary with other items that keeps an order, a default or a kind of its own.

    Of a kind that cannot be copied, or that checks what is put in, it is a plain one.
    """
    items = dict(zip(value, after, strict=True))
    try:
        made: Any = copy.copy(value)
        if made is value or type(made) is not type(value):
            return items
        if getattr(value, "__dict__", None) is value:
            # Its entries are its attributes: a copy has attributes beside its entries.
            made.__dict__ = made
        cast("Any", dict).update(made, items)
    except Exception as error:  # noqa: BLE001 - user code: how its dictionaries are copied
        logger.debug("A %s is handed over as a plain dictionary: %r", type(value).__name__, error)
        return items
    return made


def _field_names(value: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(value) if field.init]
