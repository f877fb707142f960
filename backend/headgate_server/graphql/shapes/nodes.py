"""What every object with an id has in common, and how rows become objects of the schema.

Types refer to each other in circles; their modules do not. Each registers how its rows are shown,
and shows the rows of others through ``show``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import lacking
from headgate_server.graphql.context import OperationContext, finds_nodes, needing
from headgate_server.graphql.loaders import Fetch, K

T = TypeVar("T")
R = TypeVar("R")


@strawberry.interface(description="An object with an id of its own.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="Opaque: a prefix that tells the kind, and 26 characters."
    )


@strawberry.interface(description="An object that is changed under an optimistic lock.")
class Versioned:
    version: int = strawberry.field(
        description="Rises with every change; pass it back as expectedVersion."
    )
    updated_at: datetime = strawberry.field(description="When it was changed last.")


@dataclass(frozen=True, slots=True)
class NodeKind:
    """How an object is read by its id, and which scope that needs, wherever it is reached from.

    Args:
        fetch: reads rows by id.
        scope: what the caller needs.
        is_of_organization: whether the object lies outside of any workspace.
        workspace_of: returns the workspace whose members alone may see such an object, if any.
        whole_of: returns the deployment or pool that such an object is a part of, if any: what
            somebody holds on that alone counts for it.
        part_of: reads the object that such an object is within and returns its id, if any: what
            somebody holds on what that is a part of counts for it, too.
    """

    fetch: Fetch[UUID, Any]
    scope: Scope
    is_of_organization: bool = False
    workspace_of: Callable[[Any], UUID | None] | None = None
    whole_of: Callable[[Any], UUID | None] | None = None
    part_of: tuple[Fetch[UUID, Any], Callable[[Any], UUID | None]] | None = None


NAMES = ("id", "name", "slug", "display_name")
"""What of an object is shown where it is named and may not be read."""

_SHOWN: dict[type[Any], Callable[[Any], Any]] = {}
_KINDS: dict[ids.Kind, NodeKind] = {}
_KINDS_OF_ROWS: dict[type[Any], NodeKind] = {}


def shows(row: type[R], *, by: Callable[[R], object]) -> None:
    """Register how rows of a class are shown."""
    _SHOWN[row] = by


def reads(kind: ids.Kind, *, by: NodeKind) -> None:
    """Register how ``node(id)`` reads objects of a kind."""
    _KINDS[kind] = by


def show(row: object) -> Any:
    """Return the object of the schema that shows a row."""
    return _SHOWN[type(row)](row)


def show_id(kind: ids.Kind, id_: UUID) -> strawberry.ID:
    """Return the public form of an id."""
    return strawberry.ID(ids.show(kind, id_))


class Named:
    """An object of which the caller may know what it is called, and nothing else.

    It has no row and no fields beside its names, so whatever is asked of it beyond them ends here.
    """

    needs: ClassVar[Scope]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise lacking([self.needs])


def show_named(row: object) -> Any:
    """Return the object of the schema that tells what a row is called."""
    shown: object = show(row)
    named = _named_type(type(shown), _kind_of(row).scope)()
    for name in NAMES:
        if name in vars(shown):
            setattr(named, name, getattr(shown, name))
    return named


@cache
def _named_type(shown: type[Any], needs: Scope) -> type[Any]:
    return type(f"Named{shown.__name__}", (Named, shown), {"needs": needs, "__init__": _be_empty})


def _be_empty(_named: object) -> None:
    """What is named only has no fields to begin with."""


async def load(
    context: OperationContext, fetch: Fetch[K, Any], key: K | None, *, workspace_id: UUID | None
) -> Any:
    """Return the object that a reference points to.

    None where there is none, and where the caller may not read it: it asks for the scope of the
    object's own kind, whatever the field that has the reference needs.
    """
    row = await _load_row(context, fetch, key, workspace_id=workspace_id)
    return show(row) if row is not None and await may_read(context, row) else None


async def load_named(
    context: OperationContext, fetch: Fetch[K, Any], key: K, *, workspace_id: UUID | None
) -> Any:
    """Return the object that a reference points to which is never empty.

    Of one that the caller may not read there is only what it is called: see ``Named``.
    """
    row = await _load_row(context, fetch, key, workspace_id=workspace_id)
    if row is None:
        return None
    return show(row) if await may_read(context, row) else show_named(row)


async def load_part(
    context: OperationContext, fetch: Fetch[K, Any], key: K | None, *, workspace_id: UUID | None
) -> Any:
    """Return a part of an object: whoever is shown the whole is shown it, too."""
    row = await _load_row(context, fetch, key, workspace_id=workspace_id)
    return None if row is None else show(row)


async def show_readable(context: OperationContext, rows: Iterable[object]) -> list[Any]:
    """Return those objects of a list that the caller may read."""
    return [show(row) for row in rows if await may_read(context, row)]


async def may_read(context: OperationContext, row: object) -> bool:
    """Return whether the caller holds where an object is, or on it, what its kind needs."""
    kind, of_row = _kind_of(row), cast("Any", row)
    with needing(frozenset({kind.scope})):
        if kind.is_of_organization:
            return context.may(None) and await _within(context, kind, row) is not None
        places = (of_row.id, kind.whole_of(of_row) if kind.whole_of else None)
        if any(context.may(of_row.workspace_id, on=place) for place in places):
            return True
        place = await find_whole(context, row)
        return place is not None and context.may(of_row.workspace_id, on=place)


async def find_whole(context: OperationContext, row: object) -> UUID | None:
    """Return what the object that an object is within is a part of: the deployment of a run.

    None as well where the caller needs no such place, for what they hold counts everywhere there.
    """
    kind, of_row = _kind_of(row), cast("Any", row)
    if kind.part_of is None or context.may(of_row.workspace_id):
        return None
    fetch, id_of = kind.part_of
    around = await _load_row(context, fetch, id_of(of_row), workspace_id=of_row.workspace_id)
    whole_of = None if around is None else _kind_of(around).whole_of
    return None if whole_of is None else whole_of(around)


def _kind_of(row: object) -> NodeKind:
    """Return the kind of object that a row is: its shown id tells it."""
    known = _KINDS_OF_ROWS.get(type(row))
    if known is None:
        kind, _ = ids.parse_any(show(row).id)
        known = _KINDS_OF_ROWS[type(row)] = _KINDS[kind]
    return known


async def _load_row(
    context: OperationContext, fetch: Fetch[K, Any], key: K | None, *, workspace_id: UUID | None
) -> Any:
    if key is None:
        return None
    return await context.loaders.load(fetch, key, workspace_id=workspace_id)


async def find_node(context: OperationContext, shown_id: str) -> Any:
    """Return the object an id names; None for missing, for foreign and for forbidden alike.

    Raises:
        InvalidId: not an id at all.
    """
    kind, id_ = ids.parse_any(shown_id)
    found = _KINDS.get(kind)
    if found is None or found.scope not in context.principal.scopes:
        return None
    if found.is_of_organization:
        row = await context.loaders.load(found.fetch, id_, workspace_id=None)
    else:
        row = await context.locate(found.fetch, id_)
    return show(row) if row is not None and await may_read(context, row) else None


async def _within(context: OperationContext, kind: NodeKind, row: Any) -> Any:
    """Return an object of the organization unless it is of a workspace the caller may not enter."""
    if row is None or kind.workspace_of is None:
        return row
    workspace_id = kind.workspace_of(row)
    if workspace_id is None:
        return row if context.principal.workspace_id is None else None
    return row if await context.may_enter(workspace_id) else None


finds_nodes(find_node)
