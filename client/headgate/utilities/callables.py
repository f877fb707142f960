"""What functions take, as deployments store it; the names are Prefect's."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headgate import elsewhere
from headgate.engine.entrypoints import load_flow
from headgate.engine.parameters import ParameterSchema, schema


def parameter_schema(fn: Callable[..., Any]) -> ParameterSchema:
    """Return what a function takes, or a flow or task of one."""
    function: Callable[..., Any] = getattr(fn, "fn", fn)
    return ParameterSchema.of(schema(function, signature=inspect.signature(function)))


def parameter_schema_from_entrypoint(entrypoint: str) -> ParameterSchema:
    """Return what the flow takes that ``path/file.py:flow`` names.

    Raises:
        EntrypointError: it names no flow.
    """
    return parameter_schema(load_flow(entrypoint))


__all__ = ["ParameterSchema", "parameter_schema", "parameter_schema_from_entrypoint"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
