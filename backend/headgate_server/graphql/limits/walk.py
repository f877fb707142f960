"""One walk over a document that measures its depth, aliases, root fields and cost.

Every fragment is measured once per page size it is spread into, so that nested spreads add up by
arithmetic instead of by walking: a bomb of sixty fragments, each spreading the next one twice,
costs as much as reading it. The walk tolerates documents that are not valid, because it runs
before validation, whose own rules are quadratic in what this walk refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

from headgate_server.graphql.limits.costs import CostTable, FieldCost, cost_table
from headgate_server.graphql.limits.introspection import ROOT_FIELDS, Introspected
from headgate_server.graphql.limits.rules import (
    MAX_DEPTH,
    MAX_INTROSPECTION_DEPTH,
    PageSizes,
)

_CEILING = 1_000_000_000
"""Sums stop here: numbers of thousands of digits would make arithmetic the bomb."""
_SAFE_NESTING = 4 * MAX_INTROSPECTION_DEPTH
"""Where the walk stops going down: far beyond any limit, far from Python's own."""


class Measure(NamedTuple):
    """What a selection adds up to, with everything it spreads."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    cost: int = 0
    introspection_cost: int = 0


@dataclass(frozen=True, slots=True)
class OperationMeasure:
    """What one operation of a document adds up to."""

    name: str | None
    type: OperationType
    root_fields: tuple[str, ...]
    depth: int
    introspection_depth: int
    aliases: int
    cost: int
    """All of it, also of what it asks of the schema."""
    introspection_cost: int
    directives: int
    """The most in one place."""
    is_sized: bool
    """Whether variables say how large its pages are."""

    @property
    def is_introspection(self) -> bool:
        """Whether it asks for the schema and nothing else."""
        asked = set(self.root_fields) - {"__typename"}
        return bool(asked) and asked <= ROOT_FIELDS


def measure(
    schema: GraphQLSchema, document: DocumentNode, *, variables: Mapping[str, Any] | None = None
) -> list[OperationMeasure]:
    """Return the measures of every operation in a document.

    Args:
        variables: the values sent along; None takes the largest page for each variable in the
            place of ``first`` or ``last``.
    """
    walk = _Walk(schema, document, variables=variables)
    return [
        walk.operation(definition)
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]


class _Walk:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        *,
        variables: Mapping[str, Any] | None,
    ) -> None:
        self.schema = schema
        self.table: CostTable = cost_table(schema)
        self.variables = variables
        self.defaults: dict[str, object] = {}
        self.fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self.introspected = Introspected(schema, self.fragments)
        self.known: dict[tuple[str, int, str], Measure] = {}
        self.open: set[str] = set()
        self.is_sized = False
        self.directives = 0

    def operation(self, node: OperationDefinitionNode) -> OperationMeasure:
        """Measure one operation from its root type."""
        self.defaults = {
            definition.variable.name.value: _int_value(definition.default_value)
            for definition in node.variable_definitions or ()
        }
        self.known.clear()
        self.is_sized = False
        places = (node, *(node.variable_definitions or ()), *self.fragments.values())
        self.directives = max(len(place.directives or ()) for place in places)
        root = self.schema.get_root_type(node.operation)
        found = self.selections(node.selection_set, root, page=1, nesting=0)
        return OperationMeasure(
            name=node.name.value if node.name else None,
            type=node.operation,
            root_fields=tuple(self.root_fields(node.selection_set, seen=set())),
            depth=found.depth,
            introspection_depth=found.introspection_depth,
            aliases=found.aliases,
            cost=found.cost + found.introspection_cost,
            introspection_cost=found.introspection_cost,
            directives=self.directives,
            is_sized=self.is_sized,
        )

    def root_fields(self, selected: SelectionSetNode, *, seen: set[str]) -> list[str]:
        """Return the names of the root fields, through every fragment once."""
        names: list[str] = []
        for node in selected.selections:
            if isinstance(node, FieldNode):
                names.append(node.name.value)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments.get(node.name.value)
                if fragment is not None and node.name.value not in seen:
                    seen.add(node.name.value)
                    names += self.root_fields(fragment.selection_set, seen=seen)
            elif isinstance(node, InlineFragmentNode):
                names += self.root_fields(node.selection_set, seen=seen)
        return names

    def selections(
        self,
        selected: SelectionSetNode | None,
        type_: GraphQLNamedType | None,
        *,
        page: int,
        nesting: int,
    ) -> Measure:
        """Add up a selection set; repeated response names count as aliases do."""
        if selected is None or nesting > _SAFE_NESTING:
            return Measure(depth=nesting if selected else 0)
        depth = introspection_depth = aliases = cost = introspection_cost = 0
        names: set[str] = set()
        for node in selected.selections:
            self.directives = max(self.directives, len(node.directives or ()))
            if isinstance(node, FieldNode):
                response_name = node.alias.value if node.alias else node.name.value
                aliases += node.alias is not None or response_name in names
                names.add(response_name)
                found = self.field(node, type_, page=page, nesting=nesting)
            elif isinstance(node, FragmentSpreadNode):
                found = self.spread(node.name.value, type_, page=page, nesting=nesting)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self.schema.get_type(condition.name.value) if condition else type_
                found = self.selections(node.selection_set, inner, page=page, nesting=nesting)
            else:
                continue
            depth = max(depth, found.depth)
            introspection_depth = max(introspection_depth, found.introspection_depth)
            aliases += found.aliases
            cost += found.cost
            introspection_cost += found.introspection_cost
        sums = (min(sum_, _CEILING) for sum_ in (aliases, cost, introspection_cost))
        return Measure(depth, introspection_depth, *sums)

    def spread(
        self, name: str, type_: GraphQLNamedType | None, *, page: int, nesting: int
    ) -> Measure:
        """Measure a fragment once for each page size and type it is spread into."""
        fragment = self.fragments.get(name)
        if fragment is None or name in self.open:
            return Measure()
        inner = self.schema.get_type(fragment.type_condition.name.value) or type_
        key = (name, page, inner.name if inner else "")
        found = self.known.get(key)
        if found is None:
            self.open.add(name)
            found = self.selections(fragment.selection_set, inner, page=page, nesting=nesting)
            self.open.discard(name)
            self.known[key] = found
        return found

    def field(
        self, node: FieldNode, type_: GraphQLNamedType | None, *, page: int, nesting: int
    ) -> Measure:
        """Measure a field and, as often as it returns objects, what is selected of them."""
        name = node.name.value
        if name.startswith("__"):
            inner = self.selections(node.selection_set, None, page=1, nesting=nesting + 1)
            asked = self.introspected.cost(node) if name in ROOT_FIELDS else 0
            return Measure(0, 1 + inner.depth, inner.aliases, 0, asked)
        price = self.table.get((type_.name, name)) if type_ else None
        if price is None:
            inner = self.selections(node.selection_set, None, page=1, nesting=nesting + 1)
            return Measure(1 + inner.depth, inner.introspection_depth, inner.aliases, 0)
        size = self.page_size(node, price.pages) if price.pages else 1
        inner = self.selections(node.selection_set, price.type, page=size, nesting=nesting + 1)
        times = page if price.is_paged else price.list_size or 1
        cost = _added(price, inner_cost=inner.cost, times=times)
        return Measure(
            1 + inner.depth,
            inner.introspection_depth,
            inner.aliases,
            cost,
            inner.introspection_cost,
        )

    def page_size(self, node: FieldNode, pages: PageSizes) -> int:
        """Return how many rows a connection is asked for; at most what it may return."""
        for argument in node.arguments or ():
            if argument.name.value not in {"first", "last"}:
                continue
            value = argument.value
            if isinstance(value, IntValueNode):
                asked: object = _int_value(value)
            elif isinstance(value, VariableNode):
                asked = self.variable(value.name.value, pages)
            else:
                asked = None
            if asked is not None:
                return _page_size(asked, pages)
        return pages.default

    def variable(self, name: str, pages: PageSizes) -> object:
        """Return a variable's value, its default, or the largest page where it is unknown."""
        self.is_sized = True
        if self.variables is None:
            return pages.maximum
        return self.variables.get(name, self.defaults.get(name))


def _added(price: FieldCost, *, inner_cost: int, times: int) -> int:
    if price.pages is not None:
        return price.weight + inner_cost
    return times * (price.weight + inner_cost)


def _page_size(asked: object, pages: PageSizes) -> int:
    """Return the size that a value asks for; the largest for what is no number of rows."""
    if isinstance(asked, float) and asked.is_integer():
        asked = int(asked)
    if isinstance(asked, bool) or not isinstance(asked, int):
        return pages.maximum
    return min(max(asked, 0), pages.maximum)


def _int_value(node: object) -> int | None:
    if not isinstance(node, IntValueNode) or len(node.value) > 10:
        return None
    return int(node.value)


def is_too_deep(found: OperationMeasure) -> bool:
    """Whether an operation nests further than its kind of fields may."""
    return found.depth > MAX_DEPTH or found.introspection_depth > MAX_INTROSPECTION_DEPTH
