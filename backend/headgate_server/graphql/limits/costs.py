"""What each field of a schema costs, looked up once per schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)

from headgate_server.graphql.directives import Cost
from headgate_server.graphql.limits.rules import ASSUMED_LIST_SIZE, MUTATION_COST, PageSizes

_WEIGHTLESS_SUFFIXES = ("Connection", "Edge")
_WEIGHTLESS_TYPES = frozenset({"PageInfo", "Count"})
_PAGED_FIELDS = frozenset({"edges", "nodes"})


@dataclass(frozen=True, slots=True)
class FieldCost:
    """How one field adds up: its own weight, and how often its selections are made."""

    weight: int
    type: GraphQLNamedType | None
    list_size: int | None = None
    pages: PageSizes | None = None
    is_paged: bool = False


CostTable = Mapping[tuple[str, str], FieldCost]


@lru_cache(maxsize=8)
def cost_table(schema: GraphQLSchema) -> CostTable:
    """Return the cost of every field of every type, by type and field name."""
    table: dict[tuple[str, str], FieldCost] = {}
    for name, type_ in schema.type_map.items():
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            for field_name, field in type_.fields.items():
                is_mutation = type_ is schema.mutation_type
                table[name, field_name] = _cost(field, field_name, parent=name, is_root=is_mutation)
    return table


def _cost(field: GraphQLField, name: str, *, parent: str, is_root: bool) -> FieldCost:
    type_ = cast("object", field.type)  # pyright: ignore[reportUnknownMemberType]  # untyped upstream
    named = _named(type_)
    declared = _declared(field)
    if not is_composite_type(named):
        return FieldCost(weight=(declared.weight or 0) if declared else 0, type=None)
    if declared is not None:
        weight = declared.weight or 0
    elif is_root:
        weight = MUTATION_COST
    else:
        weight = 0 if _is_weightless(named.name) else 1
    declared_size = (declared.list_size or None) if declared else None
    if named.name.endswith("Connection"):
        maximum = declared_size or PageSizes().maximum
        pages = PageSizes(default=min(PageSizes().default, maximum), maximum=maximum)
        return FieldCost(weight=weight or 1, type=named, pages=pages)
    if name in _PAGED_FIELDS and parent.endswith("Connection"):
        return FieldCost(weight=weight, type=named, is_paged=True)
    if _is_list(type_):
        return FieldCost(weight=weight, type=named, list_size=declared_size or ASSUMED_LIST_SIZE)
    return FieldCost(weight=weight, type=named)


def _declared(field: GraphQLField) -> Cost | None:
    definition = (field.extensions or {}).get("strawberry-definition")
    directives = getattr(definition, "directives", ())
    return next((found for found in directives if isinstance(found, Cost)), None)


def _is_weightless(type_name: str) -> bool:
    return type_name in _WEIGHTLESS_TYPES or type_name.endswith(_WEIGHTLESS_SUFFIXES)


def _named(type_: object) -> GraphQLNamedType:
    return get_named_type(cast("GraphQLNamedType", type_))


def _is_list(type_: object) -> bool:
    inner = cast("object", getattr(type_, "of_type", None))
    return isinstance(type_, GraphQLList) or (
        isinstance(type_, GraphQLNonNull) and isinstance(inner, GraphQLList)
    )
