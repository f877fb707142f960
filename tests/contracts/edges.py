"""Every edge of the graph: a way from one kind of object to another, as the schema has it.

An edge begins at an object that has an id and ends at the next one; what lies between, as the
lease between a run and its agent, is gone through. A new edge is found here by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.shapes import nodes
from tests.contracts.roles_cells import GIVEN
from tests.contracts.roles_matrix import SCHEMA, requirements
from tests.factories.mutations import Json

PUBLISHED = build_schema(SCHEMA.read_text())
DECLARED = dict(requirements(SCHEMA.read_text()))
NODE_KINDS = nodes._KINDS  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  nobody else asks
SCOPES: dict[str, Scope] = {
    "".join(word.title() for word in kind.name.split("_")): found.scope
    for kind, found in NODE_KINDS.items()
}
"""The types of objects that are read by their ids, with the scope that each needs."""
KINDS: dict[str, Kind] = {
    "".join(word.title() for word in kind.name.split("_")): kind for kind in NODE_KINDS
}
ACTOR = "Actor"
"""Who did something is named where it stands; what more there is of them has scopes of its own."""
NAMES = frozenset({"id", "name", "slug", "displayName"})
"""What is shown of an object that is named and may not be read."""
FEW = "(first: 5)"
MOST_STEPS = 4
_NOTHING: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from an object to others.

    Args:
        start: the type that it begins at.
        path: the fields that are gone through, the last one leads to the others.
        asked: the same with their arguments.
        fields: the same as Type.field.
        needs: what reading the object and going so far needs, but for the last field.
        type_: of the last field.
    """

    start: str
    path: tuple[str, ...]
    asked: tuple[str, ...]
    fields: tuple[str, ...]
    needs: frozenset[Scope]
    type_: Any

    @property
    def name(self) -> str:
        """Return what it is called: where it begins, and the way."""
        return f"{self.start}.{'.'.join(self.path)}"

    @property
    def is_single(self) -> bool:
        """Return whether there is always one object at its end."""
        spelt = str(self.type_)
        return spelt.endswith("!") and "[" not in spelt and not _is_connection(_named(self.type_))

    @property
    def declared(self) -> frozenset[Scope]:
        """Return the scopes that its last field declares, or the list that it is of."""
        own = self.fields[-2:] if self.fields[-1].endswith("Connection.nodes") else self.fields[-1:]
        return _NOTHING.union(*(DECLARED.get(field) or _NOTHING for field in own))

    @property
    def possible(self) -> frozenset[Scope]:
        """Return what the objects at its end may need."""
        target = _named(self.type_)
        if _is_connection(target):
            target = _named(cast("GraphQLObjectType", target).fields["nodes"].type)
        if isinstance(target, GraphQLInterfaceType):
            return frozenset(SCOPES[one.name] for one in PUBLISHED.get_possible_types(target))
        return frozenset({SCOPES[target.name]})

    def then(self, other: "Edge") -> "Edge":
        """Return the way on over another edge, which begins where this one ends."""
        return Edge(
            self.start,
            (*self.path, *other.path),
            (*self.asked, *other.asked),
            (*self.fields, *other.fields),
            self.needs | other.needs,
            other.type_,
        )

    def ask(self, selection: str) -> str:
        """Return what is selected of the object that it begins at."""
        for field in reversed(self.asked):
            selection = f"{field} {{ {selection} }}" if selection else field
        return selection

    def ends(self, shown: Json | None) -> list[Json]:
        """Return what an answer shows at its end."""
        found: list[Any] = [shown]
        for field in self.path:
            found = [one[field] for one in found if one is not None]
            found = [part for one in found for part in _flat(one)]
        return [one for one in found if one is not None]


def edges_of(start: str) -> list[Edge]:
    """Return the edges that begin at objects of a type."""
    begun = Edge(start, (), (), (), frozenset({SCOPES[start]}), None)
    return list(_walk(_object(start), begun, seen=frozenset({start})))


def all_edges() -> list[Edge]:
    """Return every edge of the schema."""
    return [edge for start in sorted(SCOPES) for edge in edges_of(start)]


def leaves_and_lists(type_: str) -> Iterator[str]:
    """Yield a selection of each field of a type that takes no arguments, but for its names."""
    for name, field in _object(type_).fields.items():
        if name not in NAMES and not _required(field):
            yield name if is_leaf_type(_named(field.type)) else f"{name} {{ __typename }}"


def unasked() -> set[str]:
    """Return the fields that lead to objects and take arguments of which nothing is known here."""
    return {
        f"{type_.name}.{name}"
        for type_ in PUBLISHED.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not _is_root(type_)
        for name, field in type_.fields.items()
        if _required(field) and f"{type_.name}.{name}" not in GIVEN and _ends(_named(field.type))
    }


def _walk(at: GraphQLObjectType, way: Edge, *, seen: frozenset[str]) -> Iterator[Edge]:
    for name, field in at.fields.items():
        target, full = _named(field.type), f"{at.name}.{name}"
        if is_leaf_type(target) or (_required(field) and full not in GIVEN):
            continue
        given = GIVEN.get(full, FEW if "first" in field.args else "")
        step = Edge(
            way.start,
            (*way.path, name),
            (*way.asked, f"{name}{given}"),
            (*way.fields, full),
            way.needs,
            field.type if not _is_connection(at) else way.type_,
        )
        if _ends(target):
            yield step
        elif isinstance(target, GraphQLObjectType) and target.name not in seen:
            if len(step.path) >= MOST_STEPS or name in {"edges", "pageInfo", "totalCount"}:
                continue
            further = Edge(
                step.start,
                step.path,
                step.asked,
                step.fields,
                # A list's own scope is that of what is in it.
                step.needs | (_NOTHING if _is_end(target) else DECLARED.get(full) or _NOTHING),
                field.type,
            )
            yield from _walk(target, further, seen=seen | {target.name})


def _is_end(target: GraphQLObjectType) -> bool:
    """Whether a type is a list of objects that have ids."""
    return _is_connection(target) and _ends(_named(target.fields["nodes"].type))


def _ends(target: GraphQLNamedType) -> bool:
    if isinstance(target, GraphQLInterfaceType):
        possible = {one.name for one in PUBLISHED.get_possible_types(target)}
        return target.name != ACTOR and bool(possible & SCOPES.keys())
    return target.name in SCOPES


def _is_connection(target: GraphQLNamedType) -> bool:
    return target.name.endswith("Connection")


def _is_root(type_: GraphQLObjectType) -> bool:
    return type_ in {PUBLISHED.query_type, PUBLISHED.mutation_type, PUBLISHED.subscription_type}


def _required(field: GraphQLField) -> bool:
    return any(is_required_argument(argument) for argument in field.args.values())


def _flat(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _object(name: str) -> GraphQLObjectType:
    return cast("GraphQLObjectType", PUBLISHED.type_map[name])


def _named(type_: object) -> GraphQLNamedType:
    return get_named_type(cast("GraphQLNamedType", type_))
