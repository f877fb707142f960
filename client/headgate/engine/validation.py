"""Pydantic's side of parameters: the only module of the engine that imports it, on first use."""

import inspect
import sys
import typing
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from headgate.declared import own_code
from headgate.errors import ParameterError
from headgate.texts import cut, text_of

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
MAX_SHOWN = 80
"""How many characters of a wrong argument its error shows."""

_CONFIG = ConfigDict(arbitrary_types_allowed=True, extra="forbid")


def validate(
    fn: Callable[..., Any],
    *,
    signature: inspect.Signature,
    name: str,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the given parameters validated and coerced.

    Raises:
        ParameterError: one does not fit its annotation.
    """
    model = _validator(_Function(fn, signature))
    try:
        values = model.model_validate(dict(given))
    except ValidationError as error:
        message = f"The parameters of {name!r} are not valid: {_explained(error)}"
        raise ParameterError(message) from None
    return {
        key: getattr(values, _field_name(index))
        for index, key in enumerate(signature.parameters)
        if key in given
    }


def _explained(error: ValidationError) -> str:
    """Return what is wrong with each parameter, without Pydantic's own headings and links."""
    return "; ".join(
        f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}, got {_shortened(detail['input'])}"
        for detail in error.errors(include_url=False, include_context=False)
    )


def _shortened(value: Any) -> str:
    return cut(text_of(value, as_text=repr), limit=MAX_SHOWN)


def schema(fn: Callable[..., Any], *, signature: inspect.Signature) -> dict[str, Any]:
    """Return the parameters' JSON Schema; what has no JSON form takes anything."""
    with warnings.catch_warnings():
        # A default without a JSON form is left out of the schema; that is all there is to say.
        warnings.simplefilter("ignore")
        model = _model(_Function(fn, signature), has_defaults=True)
        document = model.model_json_schema(schema_generator=_Lenient)
    for position, name in enumerate(signature.parameters):
        if name in document.get("properties", {}):
            document["properties"][name]["position"] = position
    document.setdefault("properties", {})
    document["title"] = "Parameters"
    return document


class _Lenient(GenerateJsonSchema):
    """Describes a type that JSON does not know as one that takes anything."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


class _Function:
    """A function and its signature as one key; neither must have a hash, which defaults may lack.

    Holds the function, so that its identity stays its own as long as the key is in use.
    """

    __slots__ = ("fn", "signature")

    def __init__(self, fn: Callable[..., Any], signature: inspect.Signature) -> None:
        self.fn = fn
        self.signature = signature

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Function) and self.fn is other.fn

    def __hash__(self) -> int:
        return id(self.fn)


@lru_cache(maxsize=256)
def _validator(function: _Function) -> type[BaseModel]:
    """Return the model of what a call gives: defaults are the function's own and stay out of it."""
    return _model(function, has_defaults=False)


def _model(function: _Function, *, has_defaults: bool) -> type[BaseModel]:
    signature = function.signature
    annotations, _ = _read_annotations(function)
    fields: dict[str, Any] = {}
    for index, (name, parameter) in enumerate(signature.parameters.items()):
        default = ... if _is_required(parameter) else None
        if has_defaults and parameter.default is not inspect.Parameter.empty:
            default = parameter.default
        fields[_field_name(index)] = (
            annotations[name],
            Field(default, alias=name, title=name),
        )
    return create_model("Parameters", __config__=_CONFIG, **fields)


def _field_name(index: int) -> str:
    # Not the parameter's own name: Pydantic reserves some, and forbids leading underscores.
    return f"parameter_{index}"


def unreadable(fn: Callable[..., Any], *, signature: inspect.Signature) -> dict[str, str]:
    """Return the parameters whose annotations cannot be read, and why: they take anything."""
    return _read_annotations(_Function(fn, signature))[1]


@lru_cache(maxsize=256)
def _read_annotations(function: _Function) -> tuple[dict[str, Any], dict[str, str]]:
    """Return each parameter's annotation, and why those that take anything cannot be read.

    An annotation may name what only a type checker imports, or a type that Pydantic refuses: as
    in a plain call its parameter takes anything then, and the others are validated all the same.
    """
    hints, causes = _hints_of(function)
    found: dict[str, Any] = {}
    for name, parameter in function.signature.parameters.items():
        annotation = hints.get(name, Any)
        if annotation is inspect.Parameter.empty or isinstance(annotation, str):
            annotation = Any
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            annotation = cast("Any", tuple)[annotation, ...]
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            annotation = cast("Any", dict)[str, annotation]
        found[name] = annotation
    if _refusal(found) is None:
        return found, causes
    for name, annotation in found.items():
        refused = _refusal({name: annotation})
        if refused is not None:
            causes[name] = refused
            found[name] = Any
    return found, causes


def _hints_of(function: _Function) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the annotations mean that can be evaluated, and why the others cannot."""
    given = {name: one.annotation for name, one in function.signature.parameters.items()}
    try:
        return {**given, **typing.get_type_hints(function.fn, include_extras=True)}, {}
    except Exception:  # noqa: BLE001 - annotations are user code; each is looked at by itself below
        causes: dict[str, str] = {}
    code = inspect.unwrap(own_code(function.fn))
    scope = getattr(code, "__globals__", None) or vars(sys.modules.get(code.__module__, typing))
    found: dict[str, Any] = {}
    for name, annotation in given.items():
        one = SimpleNamespace(__annotations__={name: annotation})
        try:
            found |= typing.get_type_hints(one, globalns=scope, include_extras=True)
        except Exception as error:  # noqa: BLE001 - told: the parameter takes anything
            causes[name] = f"{type(error).__name__}: {text_of(error)}"
    return found, causes


def _refusal(annotations: Mapping[str, Any]) -> str | None:
    """Return why Pydantic cannot read some annotations; None when it can read them all."""
    fields: dict[str, Any] = {
        _field_name(index): (annotation, ...)
        for index, annotation in enumerate(annotations.values())
    }
    try:
        create_model("Parameters", __config__=_CONFIG, **fields)
    except (PydanticUserError, PydanticInvalidForJsonSchema) as error:
        return str(error).splitlines()[0]
    return None


def _is_required(parameter: inspect.Parameter) -> bool:
    """Return whether a call must give the parameter."""
    return parameter.default is inspect.Parameter.empty and parameter.kind not in _VARIADIC
