"""Inputs that come by the hundred: made in one go, and as any other is made."""

from collections.abc import Iterator
from dataclasses import MISSING
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_required_input_field,
)
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryObjectDefinition

from headgate_server.graphql.mutations.flow_runs.inputs import FlowRunCreateInput
from headgate_server.graphql.schema import build_schema

GIVEN = {
    "workspaceId": "ws_1",
    "deploymentId": "dep_1",
    "name": None,
    "parameters": {"a": [1]},
    "tags": ["x"],
    "expectedStart": datetime(2026, 11, 29, tzinfo=UTC),
}


@pytest.fixture(scope="module")
def schema() -> strawberry.Schema:
    return build_schema()


def definition_of(schema: strawberry.Schema, name: str) -> StrawberryObjectDefinition:
    found: Any = schema.get_type_by_name(name)
    return found


def items_of_lists(schema: strawberry.Schema) -> Iterator[GraphQLInputObjectType]:
    """Yield the inputs of which a list is taken somewhere."""
    for type_ in schema._schema.type_map.values():  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way
        taken: list[Any] = []
        if isinstance(type_, GraphQLInputObjectType):
            taken = [field.type for field in type_.fields.values()]
        if isinstance(type_, GraphQLObjectType):
            fields = type_.fields.values()
            taken = [argument.type for field in fields for argument in field.args.values()]
        for one in taken:
            named: Any = get_named_type(cast("GraphQLNamedType", one))
            if str(one).startswith("[") and isinstance(named, GraphQLInputObjectType):
                yield named


def holds_scalars_only(item: GraphQLInputObjectType) -> bool:
    return all(
        isinstance(get_named_type(one.type), GraphQLScalarType) for one in item.fields.values()
    )


def test_items_of_lists_that_hold_scalars_only_are_made_in_one_go(
    schema: strawberry.Schema,
) -> None:
    items = {item.name: item for item in items_of_lists(schema)}
    plain = {name for name in items if definition_of(schema, name).from_input is not None}

    assert plain == {name for name, item in items.items() if holds_scalars_only(item)}
    assert "FlowRunCreateInput" in plain
    for name in plain:
        fields: list[Any] = definition_of(schema, name).fields
        for field in fields:
            given = items[name].fields[schema.config.name_converter.from_field(field)]
            has_default = not (field.default is MISSING and field.default_factory is MISSING)
            assert has_default or is_required_input_field(given), f"{name} {field.name}"


def test_plain_input_is_made_as_any_other(schema: strawberry.Schema) -> None:
    definition = definition_of(schema, "FlowRunCreateInput")
    make = definition.from_input
    scalars = schema.schema_converter.scalar_registry

    plain = convert_argument(GIVEN, FlowRunCreateInput, scalars, schema.config)
    definition.from_input = None
    try:
        other = convert_argument(GIVEN, FlowRunCreateInput, scalars, schema.config)
    finally:
        definition.from_input = make

    assert plain == other
    assert isinstance(plain, FlowRunCreateInput)
    assert (plain.tags, plain.name, plain.priority) == (["x"], None, None)
