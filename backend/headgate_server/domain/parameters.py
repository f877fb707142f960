"""Checks a run's parameters against its deployment's JSON Schema."""

from collections.abc import Iterator
from typing import Any, cast

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import (
    SchemaError,
    best_match,  # pyright: ignore[reportUnknownVariableType]  # partly typed upstream
)
from referencing import Registry
from referencing.exceptions import Unresolvable

from headgate_server.domain.errors import InvalidInput


def _left_to_the_run(validator: Any, value: Any, instance: Any, schema: dict[str, Any]) -> None:
    """Check nothing here."""


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[Any]:
    """Check for other properties, where no expression says which ones are others."""
    if "patternProperties" not in schema:
        yield from _KEYWORDS["additionalProperties"](validator, allowed, instance, schema)


_KEYWORDS: Any = Draft202012Validator.VALIDATORS
_Validator: Any = cast("Any", validators).extend(
    Draft202012Validator,
    {
        "pattern": _left_to_the_run,
        "patternProperties": _left_to_the_run,
        "unevaluatedProperties": _left_to_the_run,
        "additionalProperties": _additional_properties,
    },
)
"""Without regular expressions: one that backtracks would hold the whole process. The run itself
checks them, in its own process, where they harm nobody else."""


def check_schema(schema: dict[str, Any]) -> None:
    """Refuse a parameter schema that is not a JSON Schema.

    Raises:
        InvalidInput: the schema is malformed; the message names the place.
    """
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidInput(
            f"parameterSchema is not a JSON Schema: {error.message}", path=["parameterSchema"]
        ) from None


def check_parameters(parameters: dict[str, Any], *, schema: dict[str, Any]) -> None:
    """Refuse parameters that do not fit the schema.

    References are resolved inside the schema only: nothing is fetched.

    Raises:
        InvalidInput: naming the parameter and what is wrong with it.
    """
    registry: Registry[Any] = Registry()
    validator = _Validator(schema, registry=registry)
    try:
        error = cast("Any", best_match)(validator.iter_errors(parameters))
    except Unresolvable as unresolved:
        raise InvalidInput(
            f"parameterSchema refers to {unresolved.ref}, which it does not hold; deploy again.",
            path=["parameterSchema"],
        ) from None
    except RecursionError:
        raise InvalidInput(
            "parameterSchema refers to itself without end; correct it and deploy again.",
            path=["parameterSchema"],
        ) from None
    if error is not None:
        path = ["parameters", *(str(part) for part in error.absolute_path)]
        raise InvalidInput(f"{'.'.join(path)}: {error.message[:500]}", path=path)
