"""Maps: which arguments are spread over the calls, and the parameters of each call."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, cast

from headgate.annotations import allow_failure, quote, unmapped
from headgate.errors import ParameterError
from headgate.futures import Future
from headgate.states import State


def rows(parameters: dict[str, Any], *, signature: inspect.Signature) -> list[dict[str, Any]]:
    """Return the parameters of each call of a map, in the order of the items.

    Raises:
        ParameterError: nothing is iterable, or lengths differ.
    """
    columns: dict[str, list[Any]] = {}
    constants: dict[str, Any] = {}
    for name, value in parameters.items():
        items = _mapped_items(value)
        if items is None or value is signature.parameters[name].default:
            constants[name] = cast("Any", value).value if isinstance(value, unmapped) else value
        else:
            columns[name] = items
    if not columns:
        message = "map() needs at least one iterable argument"
        raise ParameterError(message)
    lengths = {name: len(items) for name, items in columns.items()}
    if len(set(lengths.values())) > 1:
        message = f"map() needs iterables of one length, not {lengths}"
        raise ParameterError(message)
    return [
        {**constants, **dict(zip(columns, row, strict=True))}
        for row in zip(*columns.values(), strict=True)
    ]


def _mapped_items(value: Any) -> list[Any] | None:
    """Return the items that a map spreads over its calls; None when every call gets the value."""
    if isinstance(value, allow_failure | quote):
        mark = cast("Any", value)
        items = _mapped_items(mark.value)
        return None if items is None else [mark.rewrap(item) for item in items]
    if isinstance(value, Future):
        return _mapped_items(cast("Future[Any]", value).result())
    if isinstance(value, State):
        return _mapped_items(cast("State[Any]", value).outcome())
    if isinstance(value, unmapped | str | bytes | Mapping) or not isinstance(value, Iterable):
        return None
    return list(cast("Iterable[Any]", value))
