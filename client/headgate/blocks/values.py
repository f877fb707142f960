"""What of a block is sent to be kept: plain values, secrets in their places, and where those are.

What a class says of its fields is not all that may be in them: ``Any``, fields that it does not
have, a subclass where a base was named. So secrets are looked for in the values as well.
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast, get_args, get_origin

from pydantic import AliasChoices, BaseModel, RootModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from headgate.api.blocks import split_path
from headgate.blocks.external import KEY, SecretReference

SecretDict = dict[str, Secret[Any]]
"""Secrets by names that are not known before, such as headers."""
Parts = tuple[str, ...]
Kept = Callable[[BaseModel, Parts], Any]
"""Returns what stands for a model in a place; None for its fields."""
_ANY = "*"
_SECRETS = (Secret, SecretBytes, SecretStr)
LISTS = (list, tuple, set, frozenset, deque)


def secret_paths(model: type[BaseModel]) -> list[str]:
    """Return which fields a model says are secret, sorted; ``*`` is any key or place of a list."""
    return sorted(join_path(parts) for parts in _within_model(model, (), ()))


def further_paths(known: Sequence[str], places: Iterable[Parts]) -> list[str]:
    """Return the paths of secrets that no known path covers, sorted."""
    patterns = [split_path(path) for path in known]
    return sorted(join_path(parts) for parts in places if not _is_covered(parts, patterns))


def _within_model(
    model: type[BaseModel], place: Parts, above: tuple[type[BaseModel], ...]
) -> Iterator[Parts]:
    if model in above:
        return
    is_root = issubclass(model, cast("type[BaseModel]", RootModel))
    for name, field in model.model_fields.items():
        inner = place if is_root else (*place, _read_name(name, field))
        yield from _within(field.annotation, inner, (*above, model))


def _within(annotation: Any, place: Parts, above: tuple[type[BaseModel], ...]) -> Iterator[Parts]:
    origin, inner = get_origin(annotation), get_args(annotation)
    kind = origin if isinstance(origin, type) else annotation
    if isinstance(kind, type) and issubclass(kind, _SECRETS):
        yield place
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from _within_model(kind, place, above)
    elif isinstance(kind, type) and issubclass(kind, Mapping) and len(inner) == 2:
        yield from _within(inner[1], (*place, _ANY), above)
    elif isinstance(kind, type) and issubclass(kind, Iterable):
        for part in inner:
            yield from _within(part, (*place, _ANY), above)
    else:
        for part in inner:
            yield from _within(part, place, above)


def join_path(parts: Iterable[str]) -> str:
    """Return the path of parts: joined by dots, a backslash before a dot in one."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in parts)


def holds_secrets(value: Any) -> bool:
    """Whether there is a secret anywhere in a value."""
    return _holds(value, _SECRETS)


class Exposure:
    """Makes JSON of values, with their secrets as they are, and keeps where those stand."""

    def __init__(
        self,
        kept: Kept = lambda _model, _place: None,
        *,
        named: Sequence[tuple[Any, Any]] = (),
    ) -> None:
        """Begin.

        Args:
            kept: what stands for a model inside of another.
            named: values of secrets that are kept elsewhere, each with what stands for it here:
                itself, and no copy.
        """
        self.secrets: set[Parts] = set()
        """The places of secrets; in lists any place stands for all. None is inside of another."""
        self._kept, self._named = kept, named

    def value(self, value: Any, place: Parts = ()) -> Any:
        """Return a value as JSON.

        Raises:
            ValueError: secret bytes that are no text, or what can be gone through once only: it
                may yield secrets, and would be empty afterwards.
        """
        if isinstance(value, Iterator):
            message = f"{join_path(place)} can be gone through once only; name a list instead"
            raise ValueError(message)  # noqa: TRY004  as all that cannot be kept
        if isinstance(value, _SECRETS):
            return self._secret(value, place)
        if isinstance(value, RootModel):
            return self.value(cast("RootModel[Any]", value).root, place)
        if isinstance(value, BaseModel):
            whole = self._kept(value, place)
            return whole if whole is not None else self.fields(value, place)
        if is_dataclass_value(value):
            names = (field.name for field in dataclasses.fields(value))
            return {name: self.value(getattr(value, name), (*place, name)) for name in names}
        if isinstance(value, Mapping):
            items = cast("Mapping[Any, Any]", value).items()
            return {str(key): self.value(inner, (*place, str(key))) for key, inner in items}
        if isinstance(value, LISTS):
            entries = cast("Iterable[Any]", value)
            return [self.value(inner, (*place, _ANY)) for inner in entries]
        return to_jsonable_python(value)

    def fields(self, model: BaseModel, place: Parts = ()) -> dict[str, Any]:
        """Return the fields of a model as JSON, by the names that it is read with.

        What it computes of them is left out: it is computed anew, and may tell a secret.
        """
        cls = type(model)
        apart = {name for name, value in model if _holds(value, (*_SECRETS, BaseModel, Iterator))}
        if cls.__pydantic_decorators__.model_serializers:
            # Such a function is given the whole model, and may put a secret anywhere.
            shown = {name: to_jsonable_python(inner) for name, inner in model if name not in apart}
        else:
            shown = model.model_dump(mode="json", exclude=apart | cls.model_computed_fields.keys())
        names = read_names(cls)
        plain = {names.get(name, name): inner for name, inner in shown.items()}
        for name, value in model:
            if name in apart:
                read = names.get(name, name)
                plain[read] = self.value(value, (*place, read))
        return plain

    def _secret(self, secret: Any, place: Parts) -> Any:
        if not any(place[:length] in self.secrets for length in range(len(place))):
            self.secrets.add(place)
        if isinstance(secret, SecretReference):
            return {KEY: secret.place}
        value = secret.get_secret_value()
        shown = _text(value) if isinstance(secret, SecretBytes) else self.value(value, place)
        return next((kept for known, kept in self._named if known == shown), shown)


def read_names(model: type[BaseModel]) -> dict[str, str]:
    """Return the names that the fields of a model are read with, by their own."""
    return {name: _read_name(name, field) for name, field in model.model_fields.items()}


def _read_name(name: str, field: FieldInfo) -> str:
    """Return the name that a field is read with."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((one for one in alias.choices if isinstance(one, str)), None)
    return alias if isinstance(alias, str) else name


def _parts_of(value: Any) -> Iterable[Any]:
    """Return the values that a value is made of; none of one that is whole."""
    if isinstance(value, BaseModel):
        return [inner for _, inner in value]
    if is_dataclass_value(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return cast("Mapping[Any, Any]", value).values()
    return cast("Iterable[Any]", value) if isinstance(value, LISTS) else ()


def _holds(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) or any(_holds(part, kinds) for part in _parts_of(value))


def is_dataclass_value(value: Any) -> bool:
    """Whether a value is of a dataclass, and not one itself."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _is_covered(parts: Parts, patterns: Sequence[Sequence[str]]) -> bool:
    """Whether a place is one that a pattern stands for, or lies inside of it."""
    return any(
        len(pattern) <= len(parts)
        and all(wanted in (_ANY, part) for wanted, part in zip(pattern, parts, strict=False))
        for pattern in patterns
    )


def _text(secret: bytes) -> str:
    try:
        return secret.decode("utf-8")
    except UnicodeDecodeError:
        message = "Secret bytes are kept as UTF-8; encode others as Base64 first"
        raise ValueError(message) from None
