"""The fields of block types: which are secret, what fits them, and what a document lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from headgate_server.domain.blocks import paths
from headgate_server.domain.blocks.paths import ANY, Parts
from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget, OutOfSteps, check_parameters, check_schema

MAX_FIELDS_BYTES = 256 * 1024
MAX_SECRET_PATHS = 200
UNKNOWN = "{{ blocks.unknown }}"
"""Stands for a value that is not known here; it fits every schema, as every template does."""


def check_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a schema.

    Raises:
        InvalidInput: not a JSON Schema of an object, or over-long.
    """
    check_document(fields, field="fields", most_bytes=MAX_FIELDS_BYTES)
    try:
        check_schema(fields)
    except InvalidInput as error:
        message = error.message.replace("parameterSchema", "fields")
        raise InvalidInput(message, path=["fields"]) from None
    if fields.get("type", "object") != "object":
        raise InvalidInput("fields is the JSON Schema of an object.", path=["fields"])
    return fields


def list_secret_paths(fields: dict[str, Any], given: Sequence[str]) -> tuple[str, ...]:
    """Return which fields are secret: those that are named, and those that the schema marks.

    A field is marked by ``writeOnly`` or by the format ``password``, at any depth, also in what
    the schema refers to inside itself.

    Raises:
        InvalidInput: a path that is none, or too many.
    """
    found = {paths.join(paths.split(path)) for path in given}
    marks = _Marks(fields, Budget())
    try:
        found |= {paths.join(parts) for parts in marks.within(fields, ()) if parts}
    except OutOfSteps:
        raise InvalidInput(
            "fields refers to itself too often to be looked through; write a simpler schema.",
            path=["fields"],
        ) from None
    if len(found) > MAX_SECRET_PATHS:
        raise InvalidInput(
            f"A schema has at most {MAX_SECRET_PATHS} secret paths.", path=["secretPaths"]
        )
    return tuple(sorted(found))


def check_data(data: dict[str, Any], *, fields: dict[str, Any], unknown: Sequence[Parts]) -> None:
    """Refuse data that does not fit a schema; the values of secrets are not looked at.

    Args:
        data: without its secrets.
        fields: the schema.
        unknown: where secrets and other documents are: what is there fits.

    Raises:
        InvalidInput: naming the field and what is wrong with it.
    """
    whole: Any = data
    for parts in unknown:
        whole = paths.replaced(whole, parts, lambda _: UNKNOWN)
    try:
        check_parameters(whole, schema=fields)
    except InvalidInput as error:
        path = ["data", *error.path[1:]]
        message = error.message.replace("parameterSchema", "fields").replace("parameters", "data")
        raise InvalidInput(message, path=path) from None


def list_missing(
    data: dict[str, Any], *, fields: dict[str, Any], unknown: Sequence[Parts]
) -> list[str]:
    """Return the required fields of a schema that a document does not have, in their order."""
    present = set(data) | {parts[0] for parts in unknown}
    required = cast("list[Any]", fields.get("required") or [])
    return [paths.join((name,)) for name in required if str(name) not in present]


@dataclass(frozen=True, slots=True)
class _Marks:
    """Finds what a schema marks as secret, within a budget of steps."""

    root: dict[str, Any]
    budget: Budget

    def within(self, schema: Any, parts: Parts, *, seen: tuple[str, ...] = ()) -> Iterator[Parts]:
        self.budget.spend(1)
        if not isinstance(schema, dict) or len(parts) > paths.MAX_DEPTH:
            return
        node = cast("dict[str, Any]", schema)
        if node.get("writeOnly") is True or node.get("format") == "password":
            yield parts
            return
        target = node.get("$ref")
        if isinstance(target, str) and target not in seen:
            yield from self.within(_referred(target, self.root), parts, seen=(*seen, target))
        for inner, place in _inside(node):
            yield from self.within(inner, (*parts, *place), seen=seen)


def _inside(node: dict[str, Any]) -> Iterator[tuple[Any, Parts]]:
    """Yield the schemas inside of one, and where what they describe lies."""
    for keyword in ("allOf", "anyOf", "oneOf"):
        for inner in cast("list[Any]", node.get(keyword) or []):
            yield inner, ()
    for place, inner in enumerate(cast("list[Any]", node.get("prefixItems") or [])):
        yield inner, (str(place),)
    for name, inner in cast("dict[str, Any]", node.get("properties") or {}).items():
        yield inner, (name,)
    for keyword in ("additionalProperties", "items"):
        yield node.get(keyword), (ANY,)
    for inner in cast("dict[str, Any]", node.get("patternProperties") or {}).values():
        yield inner, (ANY,)


def _referred(target: str, root: dict[str, Any]) -> Any:
    """Return what a reference inside a schema points to; None for one that leads outside."""
    if not target.startswith("#/"):
        return None
    found: Any = root
    for part in target[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        found = cast("dict[str, Any]", found).get(key) if isinstance(found, dict) else None
    return found
