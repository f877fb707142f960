"""What of a block is sent to be kept: plain values, with secrets in their places."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python

from headgate.blocks.external import KEY, SecretReference

SecretDict = dict[str, Secret[Any]]
"""Secrets by names that are not known before, such as headers."""
Parts = tuple[str, ...]
_SECRETS = (Secret, SecretBytes, SecretStr)


def secret_paths(model: type[BaseModel]) -> list[str]:
    """Return which fields of a model are secret, sorted; ``*`` stands for any key or place."""
    return sorted(join_path(parts) for parts in _within_model(model, (), ()))


def _within_model(
    model: type[BaseModel], place: Parts, above: tuple[type[BaseModel], ...]
) -> Iterator[Parts]:
    if model in above:
        return
    for name, field in model.model_fields.items():
        shown = field.validation_alias if isinstance(field.validation_alias, str) else name
        yield from _within(field.annotation, (*place, shown), (*above, model))


def _within(annotation: Any, place: Parts, above: tuple[type[BaseModel], ...]) -> Iterator[Parts]:
    origin, inner = get_origin(annotation), get_args(annotation)
    kind = origin if isinstance(origin, type) else annotation
    if isinstance(kind, type) and issubclass(kind, _SECRETS):
        yield place
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from _within_model(kind, place, above)
    elif isinstance(kind, type) and issubclass(kind, Mapping) and len(inner) == 2:
        yield from _within(inner[1], (*place, "*"), above)
    elif isinstance(kind, type) and issubclass(kind, Iterable):
        for part in inner:
            yield from _within(part, (*place, "*"), above)
    else:
        for part in inner:
            yield from _within(part, place, above)


def join_path(parts: Iterable[str]) -> str:
    """Return the path of parts: joined by dots, a backslash before a dot in one."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in parts)


def holds_secrets(value: Any) -> bool:
    """Whether there is a secret anywhere in a value."""
    if isinstance(value, _SECRETS):
        return True
    if isinstance(value, BaseModel):
        return any(holds_secrets(inner) for _, inner in value)
    if isinstance(value, Mapping):
        return any(map(holds_secrets, cast("Mapping[Any, Any]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(holds_secrets, cast("Iterable[Any]", value)))
    return False


def exposed(value: Any, *, kept: Any) -> Any:
    """Return a value as JSON, with its secrets as they are.

    Args:
        kept: returns what stands for a block inside of another.

    Raises:
        ValueError: secret bytes that are no text.
    """
    if isinstance(value, SecretReference):
        return {KEY: value.place}
    if isinstance(value, SecretBytes):
        return _text(value.get_secret_value())
    if isinstance(value, Secret | SecretStr):
        inner = cast("Secret[Any]", value).get_secret_value()
        return exposed(inner, kept=kept)
    if isinstance(value, BaseModel):
        whole = kept(value)
        return whole if whole is not None else fields_of(value, kept=kept)
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {str(key): exposed(inner, kept=kept) for key, inner in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [exposed(inner, kept=kept) for inner in cast("Iterable[Any]", value)]
    return to_jsonable_python(value)


def fields_of(model: BaseModel, *, kept: Any) -> dict[str, Any]:
    """Return the fields of a model as JSON, by the names that it is read with."""
    apart = {name for name, value in model if holds_secrets(value) or _holds_models(value)}
    plain = model.model_dump(mode="json", by_alias=True, exclude=apart)
    named = {
        name: (field.serialization_alias or field.alias or name)
        for name, field in type(model).model_fields.items()
    }
    for name, value in model:
        if name in apart:
            plain[named.get(name, name)] = exposed(value, kept=kept)
    return plain


def _holds_models(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return True
    if isinstance(value, Mapping):
        return any(map(_holds_models, cast("Mapping[Any, Any]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_models, cast("Iterable[Any]", value)))
    return False


def _text(secret: bytes) -> str:
    try:
        return secret.decode("utf-8")
    except UnicodeDecodeError:
        message = "Secret bytes are kept as UTF-8; encode others as Base64 first"
        raise ValueError(message) from None
