"""How many values an operation's variables hold: each of them becomes an object of the server.

A list of two hundred thousand names is a small body, and seconds of work before any resolver sees
it. What stands in the place of a JSON scalar is not counted: it is taken as it is, and whoever
reads it has limits of his own.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    TokenKind,
    type_from_ast,  # pyright: ignore[reportUnknownVariableType]  # untyped upstream
)

from headgate_server.graphql.limits import rules
from headgate_server.graphql.limits.rules import refuse

_TAKEN_AS_IT_IS = "JSON"


def check_variables(
    schema: GraphQLSchema,
    document: DocumentNode,
    *,
    name: str | None,
    root_fields: frozenset[str],
    values: Mapping[str, Any],
) -> GraphQLError | None:
    """Return the refusal of an operation whose variables hold too many values.

    A value counts once for each place its variable is used in.

    Args:
        name: of the operation, as the document has it.
        root_fields: of the operation; some of them take more values than others.
        values: the variables as they were sent.
    """
    if not values:
        return None
    limit = rules.MAX_BULK_VALUES if root_fields <= rules.BULK_MUTATIONS else rules.MAX_VALUES
    held = {
        definition.variable.name.value: count_values(
            type_from_ast(schema, definition.type),
            values.get(definition.variable.name.value),
            enough=limit,
        )
        for definition in _operation(document, name).variable_definitions or ()
    }
    most_uses = document.loc.source.body.count("$") if document.loc else 1
    if sum(held.values()) * most_uses <= limit:
        return None
    uses = _count_uses(document)
    found = sum(count * max(uses[variable], 1) for variable, count in held.items())
    if found <= limit:
        return None
    return refuse(
        "variables",
        what="The variables hold too many values, each counted wherever it is used; "
        "send fewer at once.",
        limit=limit,
    )


def count_values(type_: object, value: object, *, enough: int) -> int:
    """Return how many values a variable holds: its own, each item of a list, each field.

    Args:
        type_: what the schema says of it; None where it knows nothing of it.
        value: decoded JSON.
        enough: where the count stops; the work done is in proportion to it.
    """
    found = 1
    pending: list[tuple[object, object]] = [(type_, value)]
    while pending and found <= enough:
        type_, value = pending.pop()
        type_ = _nullable(type_)
        while not isinstance(value, list) and (inner := _item_type(type_)) is not None:
            type_ = _nullable(inner)  # one item stands for a list of it
        if getattr(type_, "name", None) == _TAKEN_AS_IT_IS:
            continue
        if isinstance(value, list):
            items = cast("list[object]", value)
            found += len(items)
            if found <= enough:
                inner = _item_type(type_)
                pending += [(inner, item) for item in items if isinstance(item, list | dict)]
        elif isinstance(value, dict):
            entries = cast("dict[str, object]", value)
            found += len(entries)
            if found <= enough:
                pending += [
                    (_field_type(type_, key), item)
                    for key, item in entries.items()
                    if isinstance(item, list | dict)
                ]
    return found


def _nullable(type_: object) -> object:
    return cast("Any", type_).of_type if isinstance(type_, GraphQLNonNull) else type_


def _item_type(type_: object) -> object | None:
    return cast("Any", type_).of_type if isinstance(type_, GraphQLList) else None


def _field_type(type_: object, name: str) -> object:
    field = type_.fields.get(name) if isinstance(type_, GraphQLInputObjectType) else None
    return cast("object", field.type) if field else None


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    named = (node for node in operations if node.name and node.name.value == name)
    return next(named, operations[0])


def _count_uses(document: DocumentNode) -> Counter[str]:
    """Return in how many places each variable is used, whether they are reached or not."""
    uses: Counter[str] = Counter()
    token = document.loc.start_token if document.loc else None
    names: list[str] = []
    is_name = False
    while token is not None:
        if token.kind is not TokenKind.COMMENT:
            if token.kind is TokenKind.COLON and names:
                uses[names[-1]] -= 1  # a definition
            names = [token.value or ""] if is_name else []
            uses.update(names)
            is_name = token.kind is TokenKind.DOLLAR
        token = token.next
    return uses
