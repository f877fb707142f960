"""Steps by name: functions that a deployment's file names, called in order, each with its inputs.

What one returns is at hand for those that follow, as ``{{ its-id.key }}`` or ``{{ key }}``.
"""

import importlib
import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from headgate.engine.effects import run_coroutine
from headgate.errors import EntrypointError
from headgate.texts import text_of

_PLACEHOLDER = re.compile(r"\{\{\s*(\$?[\w-]+(?:\.[\w-]+)*)\s*\}\}")
_OWN_KEYS = ("id", "requires")
_PREFECT = re.compile(
    r"^prefect(?:_docker|_aws|_gcp|_azure)?\.(?:deployments|projects)\.steps\."
    r"(?:(?:core|pull|utility)\.)?"
)
_PLACE = "headgate.deployments.steps"


def own_name(name: str) -> str:
    """Return the name that a step of Prefect has here; any other as it is."""
    match = _PREFECT.match(name)
    return f"{_PLACE}.{name[match.end() :]}" if match else name


def run_steps(
    steps: Sequence[Mapping[str, Mapping[str, Any] | None]],
    *,
    outputs: dict[str, Any] | None = None,
    fill: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """Call each step's function with its inputs, in order, and return what they returned.

    Args:
        outputs: what is known before, by name; grows by what the steps return.
        fill: puts blocks in the place of their names.

    Raises:
        EntrypointError: a step names no function, or fails to take its inputs.
    """
    known = {} if outputs is None else outputs
    for step in steps:
        for name, given in step.items():
            inputs = filled(own_inputs(given or {}), known)
            result = _call(name, fill(inputs) if fill else inputs)
            if isinstance(result, Mapping):
                values = dict(cast("Mapping[str, Any]", result))
                known.update(values)
                if given and given.get("id"):
                    known[str(given["id"])] = values
    return known


def filled(value: Any, outputs: Mapping[str, Any]) -> Any:
    """Return a document with what is known in the place of ``{{ names }}``; others stay.

    A text that is one placeholder becomes the value itself, of whatever type. ``{{ $NAME }}`` is a
    variable of the environment.
    """
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return {key: filled(inner, outputs) for key, inner in entries.items()}
    if isinstance(value, list):
        return [filled(inner, outputs) for inner in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole is not None:
        found = _found(whole[1], outputs)
        return value if found is None else found

    def written(match: re.Match[str]) -> str:
        found = _found(match[1], outputs)
        return match[0] if found is None else str(found)

    return _PLACEHOLDER.sub(written, value)


def _found(name: str, outputs: Mapping[str, Any]) -> Any:
    if name.startswith("$"):
        return os.environ.get(name[1:], "")
    place: Any = outputs
    for part in name.split("."):
        if not isinstance(place, Mapping) or part not in place:
            return None
        place = cast("Mapping[str, Any]", place)[part]
    return place


def step_function(name: str, inputs: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function that a step names, which takes these inputs; it is not called.

    Raises:
        EntrypointError: there is none, or it takes other inputs.
    """
    module_name, _, attribute = own_name(name).rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"The step {name!r} names no function: {text_of(error)}"
        raise EntrypointError(message) from error
    try:
        inspect.signature(function).bind(**own_inputs(inputs))
    except TypeError as error:
        message = f"The step {name!r} cannot be called like this: {error}"
        raise EntrypointError(message) from None
    return function


def own_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a step's entry its function is called with."""
    return {key: value for key, value in inputs.items() if key not in _OWN_KEYS}


def _call(name: str, inputs: Mapping[str, Any]) -> Any:
    result = step_function(name, inputs)(**inputs)
    return run_coroutine(result) if inspect.isawaitable(result) else result
