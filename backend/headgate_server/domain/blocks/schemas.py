"""The fields of block types: which are secret, what fits them, and what a document lacks."""

from collections.abc import Iterable, Sequence
from typing import Any

from headgate_server.domain.blocks import paths
from headgate_server.domain.blocks.lacks import list_lacks
from headgate_server.domain.blocks.marks import MAX_STEPS, Marks, Node
from headgate_server.domain.blocks.paths import Parts
from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget, OutOfSteps, check_parameters, check_schema

MAX_FIELDS_BYTES = 256 * 1024
MAX_SECRET_PATHS = 200
MAX_FIELDS_STEPS = MAX_STEPS // 2
"""Parts of one schema looked at: those of the largest fit, each reached once or twice."""
UNKNOWN = "{{ blocks.unknown }}"
"""Stands for a value that is not known here; it fits every schema, as every template does."""


def check_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a schema.

    Several seconds of pure Python: an event loop has it done in a thread.

    Raises:
        InvalidInput: not a JSON Schema of an object, over-long, or one that may mark secrets where
            they would not be found.
    """
    check_document(fields, field="fields", most_bytes=MAX_FIELDS_BYTES)
    try:
        check_schema(fields)
    except InvalidInput as error:
        message = error.message.replace("parameterSchema", "fields")
        raise InvalidInput(message, path=["fields"]) from None
    if fields.get("type", "object") != "object":
        raise InvalidInput("fields is the JSON Schema of an object.", path=["fields"])
    try:
        Marks(fields, Budget(MAX_FIELDS_STEPS)).check()
    except (OutOfSteps, RecursionError):
        raise _too_intricate() from None
    return fields


def list_secret_paths(fields: dict[str, Any], given: Sequence[str]) -> tuple[str, ...]:
    """Return which fields are secret: those that are named, and those that the schema marks.

    A field is marked by ``writeOnly`` or by the format ``password``, at any depth, also in what
    the schema refers to inside itself. Of a schema that refers to itself the first turn is listed:
    a document's own secrets are found with ``marks.find_places``.

    Raises:
        InvalidInput: a path that is none, or too many.
    """
    found = {paths.join(paths.split(path)) for path in given}
    marks = Marks(fields, Budget(MAX_FIELDS_STEPS))
    patterns = marks.list_patterns(most_depth=paths.MAX_DEPTH)
    try:
        found |= set(map(paths.join, patterns))
    except (OutOfSteps, RecursionError):
        raise _too_intricate() from None
    if len(found) > MAX_SECRET_PATHS:
        raise InvalidInput(
            f"A schema has at most {MAX_SECRET_PATHS} secret paths.", path=["secretPaths"]
        )
    return tuple(sorted(found))


def with_former(
    secret_paths: Sequence[str], former: Iterable[str], *, fields: dict[str, Any]
) -> tuple[str, ...]:
    """Return which fields are secret where some have been so before: those stay it.

    Left out are those of which no block of the schema can have the outermost field.
    """
    try:
        nodes = Marks(fields, Budget(MAX_STEPS)).certain([fields])
    except OutOfSteps:
        nodes = []
    kept = {
        path for path in former if not any(_forbids(node, paths.split(path)[0]) for node in nodes)
    }
    return tuple(sorted(kept.union(secret_paths)))


def check_data(data: dict[str, Any], *, fields: dict[str, Any], unknown: Sequence[Parts]) -> None:
    """Refuse data that does not fit a schema; the values of secrets are not looked at.

    Args:
        data: without its secrets.
        fields: the schema.
        unknown: where secrets and other documents are: what is there fits.

    Raises:
        InvalidInput: naming the field and what is wrong with it.
    """
    try:
        check_parameters(_whole(data, unknown), schema=fields)
    except InvalidInput as error:
        path = ["data", *error.path[1:]]
        message = error.message.replace("parameterSchema", "fields").replace("parameters", "data")
        raise InvalidInput(message, path=path) from None


def list_missing(
    data: dict[str, Any],
    *,
    fields: dict[str, Any],
    unknown: Sequence[Parts],
    budget: Budget | None = None,
) -> list[str]:
    """Return the required fields of a schema that a document does not have, at any depth.

    Args:
        data: without its secrets.
        fields: the schema.
        unknown: where secrets and other documents are: what is there is not looked at.
        budget: shared by several documents.
    """
    found = list_lacks(_whole(data, unknown), fields=fields, budget=budget)
    return [paths.join(parts) for parts in found]


def _whole(data: dict[str, Any], unknown: Sequence[Parts]) -> Any:
    """Return data with something in the place of what is not known here."""
    return paths.replaced_all(data, dict.fromkeys(unknown, UNKNOWN))


def _forbids(node: Node, name: str) -> bool:
    """Whether no object that fits a schema has an entry of a name; patterns may allow any."""
    own: Any = node.get("properties") or {}
    if name in own:
        return own[name] is False
    is_open = name == paths.ANY and bool(own)
    others = node.get("additionalProperties")
    return others is False and not is_open and "patternProperties" not in node


def _too_intricate() -> InvalidInput:
    return InvalidInput(
        "fields refers to its own parts too often to be looked through; write a simpler schema.",
        path=["fields"],
    )
