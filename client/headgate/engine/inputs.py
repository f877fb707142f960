"""Inputs made by other tasks: finds futures and states in arguments, and puts results in."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

from headgate.annotations import allow_failure, opaque, quote, unmapped
from headgate.errors import UpstreamTaskError
from headgate.futures import Future
from headgate.states import State

_PLAIN = frozenset({str, int, float, bool, bytes, type(None), complex})
_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset)


def upstream_futures(values: Iterable[Any]) -> list[Future[Any]]:
    """Return every future in the values, also inside lists, tuples, sets, dicts and dataclasses."""
    found: list[Future[Any]] = []
    for value in values:
        if type(value) not in _PLAIN:
            _collect(value, found=found)
    return found


def resolve(value: Any, *, is_failure_allowed: bool = False) -> Any:
    """Return the value with each future and state in it replaced by its result.

    All futures must have ended. Containers without any come back as they are.

    Raises:
        UpstreamTaskError: one did not complete and its failure was not allowed.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Future):
        future = cast("Future[Any]", value)
        return _result(
            future.state,
            label=f"Upstream task run '{future.task_run_id}'",
            is_failure_allowed=is_failure_allowed,
        )
    if isinstance(value, State):
        return _result(
            cast("State[Any]", value),
            label="An upstream state",
            is_failure_allowed=is_failure_allowed,
        )
    if isinstance(value, quote):
        return cast("Any", value).value
    if isinstance(value, opaque):
        return _resolve_opaque(cast("Any", value).value, is_failure_allowed=is_failure_allowed)
    if isinstance(value, allow_failure):
        return resolve(cast("Any", value).value, is_failure_allowed=True)
    if isinstance(value, unmapped):
        return resolve(cast("Any", value).value, is_failure_allowed=is_failure_allowed)
    return _resolve_container(value, is_failure_allowed=is_failure_allowed)


def _resolve_opaque(value: Any, *, is_failure_allowed: bool) -> Any:
    """Return the result of a future or state; anything else as it is, whatever is in it."""
    if not isinstance(value, Future | State | allow_failure):
        return value
    return resolve(value, is_failure_allowed=is_failure_allowed)


def _result(state: State[Any], *, label: str, is_failure_allowed: bool) -> Any:
    if not state.is_completed() and not is_failure_allowed:
        message = f"{label} did not reach a 'COMPLETED' state: it is {state}"
        raise UpstreamTaskError(message)
    if not state.is_final():
        return state.data
    return state.outcome(raise_on_failure=False)


def _collect(value: Any, *, found: list[Future[Any]]) -> None:
    if isinstance(value, Future):
        found.append(cast("Future[Any]", value))
        return
    if isinstance(value, opaque) and not isinstance(
        cast("Any", value).value, Future | allow_failure
    ):
        return
    if isinstance(value, allow_failure | opaque | unmapped):
        _collect(cast("Any", value).value, found=found)
        return
    for item in _items(value):
        if type(item) not in _PLAIN:
            _collect(item, found=found)


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


def as_states(value: Any) -> Any:
    """Return the value with each future in it replaced by its state; all must have ended."""
    if isinstance(value, Future):
        return cast("Future[Any]", value).state
    if not upstream_futures([value]):
        return value
    before = list(_items(value))
    return _rebuilt(value, before=before, after=[as_states(item) for item in before])


def _resolve_container(value: Any, *, is_failure_allowed: bool) -> Any:
    before = list(_items(value))
    after = [resolve(item, is_failure_allowed=is_failure_allowed) for item in before]
    return _rebuilt(value, before=before, after=after)


def _rebuilt(value: Any, *, before: list[Any], after: list[Any]) -> Any:
    """Return a container like ``value`` with other items; itself when none differs."""
    if all(new is old for new, old in zip(after, before, strict=True)):
        return value
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


def _field_names(value: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(value) if field.init]
