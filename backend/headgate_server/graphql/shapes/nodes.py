"""What every object with an id has in common, and how rows become objects of the schema.

Types refer to each other in circles; their modules do not. Each registers how its rows are shown,
and shows the rows of others through ``show``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
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
    """How an object is read by its id, and which scope that needs.

    Args:
        fetch: reads rows by id.
        scope: what the caller needs.
        is_of_organization: whether the object lies outside of any workspace.
        workspace_of: returns the workspace whose members alone may see such an object, if any.
    """

    fetch: Fetch[UUID, Any]
    scope: Scope
    is_of_organization: bool = False
    workspace_of: Callable[[Any], UUID | None] | None = None


_SHOWN: dict[type[Any], Callable[[Any], Any]] = {}
_KINDS: dict[ids.Kind, NodeKind] = {}


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


async def load(
    context: OperationContext, fetch: Fetch[K, Any], key: K | None, *, workspace_id: UUID | None
) -> Any:
    """Return the object that a reference points to; None where there is none."""
    if key is None:
        return None
    row = await context.load(fetch, key, workspace_id=workspace_id)
    return None if row is None else show(row)


async def find_node(context: OperationContext, shown_id: str) -> Any:
    """Return the object an id names; None for missing, for foreign and for forbidden alike.

    Raises:
        InvalidId: not an id at all.
    """
    kind, id_ = ids.parse_any(shown_id)
    found = _KINDS.get(kind)
    if found is None or found.scope not in context.principal.scopes:
        return None
    with needing(frozenset({found.scope})):
        if not found.is_of_organization:
            row = await context.see(found.fetch, id_)
        else:
            row = await context.load(found.fetch, id_, workspace_id=None)
            row = await _within(context, found, row)
    return None if row is None else show(row)


async def _within(context: OperationContext, kind: NodeKind, row: Any) -> Any:
    """Return an object of the organization unless it is of a workspace the caller may not enter."""
    if row is None or kind.workspace_of is None:
        return row
    workspace_id = kind.workspace_of(row)
    if workspace_id is None:
        return row if context.principal.workspace_id is None else None
    return row if await context.may_enter(workspace_id) else None


finds_nodes(find_node)
