"""Introspection: what an answer about the schema costs, and the answers that are at hand.

What tools ask of a schema takes tenths of a second, and is the same each time: it is put together
by a thread of its own, one at a time, and the latest answers are kept. What is not at hand costs
its caller as many points as it takes.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    execute,  # pyright: ignore[reportUnknownVariableType]  # untyped upstream
    is_abstract_type,
    print_ast,
)

from headgate_server.graphql.limits.rules import MAX_INTROSPECTION_DEPTH

ROOT_FIELDS = frozenset({"__schema", "__type"})
ANY = ""
VALUES_A_POINT = 25
"""A quarter of a millisecond, about as long as a row of any other answer takes."""
WRAPPED = 0.5
"""How likely a type is a list or not null: of another type."""
KEPT_ANSWERS = 4
"""One of the standard document has 700 kB."""
KEPT_BYTES = 2 * 1024 * 1024

_TYPES_OF: Mapping[tuple[str, str], str] = {
    ("__Schema", "types"): "__Type",
    ("__Schema", "directives"): "__Directive",
    ("__Schema", "queryType"): "__Type",
    ("__Schema", "mutationType"): "__Type",
    ("__Schema", "subscriptionType"): "__Type",
    ("__Type", "fields"): "__Field",
    ("__Type", "inputFields"): "__InputValue",
    ("__Type", "enumValues"): "__EnumValue",
    ("__Type", "interfaces"): "__Type",
    ("__Type", "possibleTypes"): "__Type",
    ("__Type", "ofType"): "__Type",
    ("__Field", "args"): "__InputValue",
    ("__Field", "type"): "__Type",
    ("__InputValue", "type"): "__Type",
    ("__Directive", "args"): "__InputValue",
}


@dataclass(frozen=True, slots=True)
class ListSize:
    """How long a list of a schema is: on average, and at most."""

    usual: float
    largest: float


@lru_cache(maxsize=8)
def list_sizes(schema: GraphQLSchema) -> Mapping[tuple[str, str], ListSize]:
    """Return how long each list is that introspection answers with; an object may be none."""
    types = list(schema.type_map.values())
    composite = [t for t in types if isinstance(t, GraphQLObjectType | GraphQLInterfaceType)]
    fields = [field for type_ in composite for field in type_.fields.values()]
    possible = [len(schema.get_possible_types(t)) for t in types if is_abstract_type(t)]
    inputs = [len(t.fields) for t in types if isinstance(t, GraphQLInputObjectType)]
    values = [len(t.values) for t in types if isinstance(t, GraphQLEnumType)]
    return {
        ("__Schema", "types"): _size([len(types)], among=1),
        ("__Schema", "directives"): _size([len(schema.directives)], among=1),
        ("__Type", "fields"): _size([len(t.fields) for t in composite], among=len(types)),
        ("__Type", "inputFields"): _size(inputs, among=len(types)),
        ("__Type", "enumValues"): _size(values, among=len(types)),
        ("__Type", "interfaces"): _size([len(t.interfaces) for t in composite], among=len(types)),
        ("__Type", "possibleTypes"): _size(possible, among=len(types)),
        ("__Type", "ofType"): ListSize(usual=WRAPPED, largest=1),
        ("__Field", "args"): _size([len(field.args) for field in fields], among=len(fields)),
        ("__Directive", "args"): _size(
            [len(directive.args) for directive in schema.directives], among=len(schema.directives)
        ),
    }


def _size(lengths: list[int], *, among: int) -> ListSize:
    return ListSize(usual=sum(lengths) / max(among, 1), largest=max(lengths, default=0))


class Introspected:
    """Adds up what the introspection of one document answers with."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._sizes = list_sizes(schema)
        self._fragments = fragments
        self._known: dict[tuple[str, str, str | None], float] = {}
        self._open: set[str] = set()

    def cost(self, node: FieldNode) -> int:
        """Return the points of ``__schema`` or ``__type``, with everything below it; at least 1."""
        is_one = node.name.value == "__type"
        type_, chosen = ("__Type", _chosen(node)) if is_one else ("__Schema", None)
        found = 1 + self._values(node.selection_set, type_, chosen=chosen, nesting=0)
        return ceil(found / VALUES_A_POINT)

    def _values(
        self, selected: SelectionSetNode | None, type_: str, *, chosen: str | None, nesting: int
    ) -> float:
        """Return how many values are selected of one object.

        Args:
            selected: of the object.
            type_: of the object.
            chosen: the name of the type that it is, or whose field or argument; ``ANY`` where a
                variable says it; None where it is any of those that a list holds.
            nesting: how deep this is; too deep is refused elsewhere.
        """
        if selected is None or nesting > MAX_INTROSPECTION_DEPTH:
            return 0
        found = 0.0
        for node in selected.selections:
            if isinstance(node, FieldNode):
                found += self._field(node, type_, chosen=chosen, nesting=nesting)
            elif isinstance(node, InlineFragmentNode):
                found += self._values(node.selection_set, type_, chosen=chosen, nesting=nesting)
            elif isinstance(node, FragmentSpreadNode):
                found += self._spread(node.name.value, type_, chosen=chosen, nesting=nesting)
        return found

    def _field(self, node: FieldNode, type_: str, *, chosen: str | None, nesting: int) -> float:
        name = node.name.value
        inner = _TYPES_OF.get((type_, name))
        if inner is None:
            return 1
        times = self._times(type_, name, chosen=chosen)
        stays = chosen if inner != "__Type" else None
        return times * (
            1 + self._values(node.selection_set, inner, chosen=stays, nesting=nesting + 1)
        )

    def _times(self, type_: str, name: str, *, chosen: str | None) -> float:
        size = self._sizes.get((type_, name))
        if size is None:
            return 1
        if chosen is None:
            return size.usual
        return size.largest if chosen == ANY else _length(self._schema, chosen, name)

    def _spread(self, name: str, type_: str, *, chosen: str | None, nesting: int) -> float:
        fragment = self._fragments.get(name)
        if fragment is None or name in self._open:
            return 0
        key = (name, type_, chosen)
        if key not in self._known:
            self._open.add(name)
            self._known[key] = self._values(
                fragment.selection_set, type_, chosen=chosen, nesting=nesting
            )
            self._open.discard(name)
        return self._known[key]


def _chosen(node: FieldNode) -> str:
    """Return the name of the type that is asked for."""
    values = [argument.value for argument in node.arguments or ()]
    return next((value.value for value in values if isinstance(value, StringValueNode)), ANY)


def _length(schema: GraphQLSchema, type_name: str, name: str) -> float:
    """Return how long a list of one type is; of its fields' arguments, the mean."""
    type_ = schema.type_map.get(type_name)
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        fields = type_.fields.values()
        if name == "args":
            return sum(len(field.args) for field in fields) / max(len(fields), 1)
        if name in {"fields", "interfaces"}:
            return len(fields if name == "fields" else type_.interfaces)
    if name == "inputFields" and isinstance(type_, GraphQLInputObjectType):
        return len(type_.fields)
    if name == "enumValues" and isinstance(type_, GraphQLEnumType):
        return len(type_.values)
    is_wide = name == "possibleTypes" and is_abstract_type(type_)
    return len(schema.get_possible_types(cast("GraphQLAbstractType", type_))) if is_wide else 0


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation that asks for nothing but the schema, by the name it has in its document."""

    schema: GraphQLSchema
    document: DocumentNode
    name: str | None

    @property
    def key(self) -> "tuple[GraphQLSchema, str, str | None]":
        """What is the same where the answer is."""
        return self.schema, _printed(self.document), self.name

    @property
    def has_variables(self) -> bool:
        """Whether the answer may be another next time."""
        nodes = self.document.definitions
        return any(
            isinstance(node, OperationDefinitionNode) and node.variable_definitions
            for node in nodes
        )


class Answers:
    """Puts answers about schemas together, one at a time, and keeps the latest."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[GraphQLSchema, str, str | None], ExecutionResult]
        self._kept = OrderedDict()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="introspection")

    def has(self, asked: Asked) -> bool:
        """Whether an answer is at hand: it costs nothing but sending it."""
        return asked.key in self._kept

    async def answer(self, asked: Asked, *, variables: Mapping[str, Any]) -> ExecutionResult:
        """Return the answer to an operation; its values are JSON already."""
        kept = self._kept.get(asked.key)
        if kept is not None:
            return kept
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self._make, asked, dict(variables))

    def _make(self, asked: Asked, variables: dict[str, Any]) -> ExecutionResult:
        kept = self._kept.get(asked.key)
        if kept is not None:
            return kept
        result = cast(
            "ExecutionResult",
            execute(
                asked.schema, asked.document, operation_name=asked.name, variable_values=variables
            ),
        )
        if result.data is None or result.errors:
            return result
        encoded = {field: orjson.dumps(value) for field, value in result.data.items()}
        made = ExecutionResult({field: orjson.Fragment(part) for field, part in encoded.items()})
        is_small = sum(map(len, encoded.values())) <= KEPT_BYTES
        if is_small and not asked.has_variables:
            self._kept[asked.key] = made
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return made


answers = Answers()


@lru_cache(maxsize=100)
def _printed(document: DocumentNode) -> str:
    """Return a document without what makes no difference, such as its comments."""
    return print_ast(document)
