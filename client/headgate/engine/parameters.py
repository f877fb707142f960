"""Parameters: bind arguments to a signature, validate and coerce them, describe them as JSON."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from headgate.errors import ParameterError
from headgate.redaction import redactor
from headgate.texts import storable, storable_json, text_of

MAX_PARAMETERS_BYTES = 512 * 1024


def bind(
    signature: inspect.Signature, *, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments by parameter name, with defaults filled in.

    Raises:
        ParameterError: they do not fit the signature.
    """
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        message = f"{name}{text_of(signature)} cannot be called like this: {error}"
        raise ParameterError(message) from None
    bound.apply_defaults()
    return bound.arguments


def as_call(
    signature: inspect.Signature, *, parameters: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and keyword arguments that pass these parameters to the function."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            args += parameters[name]
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            kwargs |= parameters[name]
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            kwargs[name] = parameters[name]
        else:
            args.append(parameters[name])
    return args, kwargs


def bind_named(
    signature: inspect.Signature, *, name: str, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Return parameters given by name, as a deployment stores them, with defaults filled in.

    Raises:
        ParameterError: one is missing, or unknown to the signature.
    """
    positional: list[Any] = []
    keyword: dict[str, Any] = {}
    for key, value in parameters.items():
        parameter = signature.parameters.get(key)
        if parameter is not None and parameter.kind is inspect.Parameter.VAR_KEYWORD:
            keyword |= value
        elif parameter is not None and parameter.kind in {
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.POSITIONAL_ONLY,
        }:
            continue
        else:
            keyword[key] = value
    for key, parameter in signature.parameters.items():
        if key in parameters and parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(parameters[key])
        elif key in parameters and parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            # What stands before *args must then be given by position too.
            before = [
                n for n in keyword if n in signature.parameters and _is_positional(signature, n)
            ]
            positional += [keyword.pop(n) for n in before]
            positional += parameters[key]
    return bind(signature, name=name, args=positional, kwargs=keyword)


def _is_positional(signature: inspect.Signature, name: str) -> bool:
    return signature.parameters[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def needs_validation(signature: inspect.Signature) -> bool:
    """Return whether any parameter says what it takes."""
    return not all(_takes_anything(each.annotation) for each in signature.parameters.values())


def _takes_anything(annotation: Any) -> bool:
    # By identity: an annotation need not have a hash, nor its equality a truth value.
    if isinstance(annotation, str):
        return annotation == "Any"
    return annotation is inspect.Parameter.empty or annotation is Any or annotation is object


def validate(
    fn: Callable[..., Any],
    *,
    signature: inspect.Signature,
    name: str,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the parameters validated and coerced by their annotations.

    Defaults are taken as they are, as in a plain call.

    Raises:
        ParameterError: one does not fit its annotation.
    """
    import headgate.engine.validation as validation  # noqa: PLC0415 - named lazy-import place: pydantic

    given = {
        key: value
        for key, value in parameters.items()
        if value is not signature.parameters[key].default
    }
    coerced = validation.validate(fn, signature=signature, name=name, given=given)
    return {**parameters, **coerced}


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """What a function takes, as ``flow.parameters`` has it: the parts of its JSON Schema."""

    title: str
    type: str
    properties: dict[str, Any]
    required: list[str]
    definitions: dict[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "ParameterSchema":
        """Return the parts of a JSON Schema."""
        return cls(
            title=document.get("title", "Parameters"),
            type=document.get("type", "object"),
            properties=document.get("properties", {}),
            required=document.get("required", []),
            definitions=document.get("$defs") or document.get("definitions", {}),
        )

    def model_dump_for_openapi(self) -> dict[str, Any]:
        """Return the parts as a JSON Schema again; those that are empty are left out."""
        found = {
            "title": self.title,
            "type": self.type,
            "properties": self.properties,
            "required": self.required,
            "$defs": self.definitions,
        }
        kept = {name for name, value in found.items() if value} | {"properties"}
        return {name: value for name, value in found.items() if name in kept}


def schema(fn: Callable[..., Any], *, signature: inspect.Signature) -> dict[str, Any]:
    """Return the JSON Schema of the parameters, in signature order."""
    import headgate.engine.validation as validation  # noqa: PLC0415 - named lazy-import place: pydantic

    return validation.schema(fn, signature=signature)


def unreadable(fn: Callable[..., Any], *, signature: inspect.Signature) -> dict[str, str]:
    """Return the parameters that take anything as their annotations cannot be read, and why."""
    import headgate.engine.validation as validation  # noqa: PLC0415 - named lazy-import place: pydantic

    return validation.unreadable(fn, signature=signature)


_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""What the server's database cannot hold, as JSON writes it."""


def as_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as JSON values, for people to read.

    What has no JSON form is shown as its type, and a secret as a mask; together they take at most
    512 KiB.
    """
    shown: dict[str, Any] = {}
    for name, value in parameters.items():
        shown[name] = orjson.Fragment(_encoded(value))
    document = orjson.dumps(shown)
    if b"\\u0000" in document:
        document = _ESCAPED_NUL.sub(rb"\1\\ufffd", document)
    if len(document) > MAX_PARAMETERS_BYTES:
        return {
            name: f"{_type_name(value)} (too large to show)" for name, value in parameters.items()
        }
    found = cast("dict[str, Any]", orjson.loads(document))
    return storable_json(found) if redactor.is_needed else found


def _encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_shown, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        try:
            # Most often one text, key or number in it cannot be encoded: the others are shown.
            return orjson.dumps(storable_json(value, other=_shown))
        except (TypeError, RecursionError):
            return orjson.dumps(_type_name(value))


def _shown(value: Any) -> Any:
    try:
        dump = getattr(value, "model_dump", None)
        if dump is not None:
            return dump(mode="json")
    except Exception:  # noqa: BLE001 - user code: a parameter that cannot be shown is still passed
        return _type_name(value)
    if isinstance(value, set | frozenset):
        return list(cast("set[Any]", value))
    return _type_name(value)


def _type_name(value: Any) -> str:
    return storable(f"<{type(value).__module__}.{type(value).__qualname__}>")
