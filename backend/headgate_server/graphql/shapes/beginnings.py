"""Lists that have no pages: the first of what belongs to an object, and how many more there are.

Each is charged for ``ASSUMED_LIST_SIZE`` objects, as most have fewer, and shows up to
``MAX_LISTED``. What it holds beyond is charged once the operation has been answered, and an
operation is refused where its lists hold more than the dearest may cost.
"""

import asyncio
from typing import Any, TypeVar
from uuid import UUID

from headgate_server.domain.errors import LimitExceeded
from headgate_server.domain.pagination import MAX_LISTED, Beginning
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.limits.rules import ASSUMED_LIST_SIZE, MAX_COST
from headgate_server.graphql.loaders import Fetch, K
from headgate_server.graphql.shapes.nodes import show_readable

T = TypeVar("T")

AT_MOST = f"at most {MAX_LISTED}"


async def first_of(
    context: OperationContext,
    fetch: Fetch[K, Beginning[T]],
    key: K,
    *,
    workspace_id: UUID | None,
) -> Beginning[T]:
    """Return the first of what belongs to an object, if the field may read it.

    Raises:
        LimitExceeded: the lists of the operation hold more than an operation may.
    """
    found: Beginning[T] = await context.load(fetch, key, workspace_id=workspace_id) or Beginning()
    claim(context, len(found.items))
    return found


async def more_of(
    context: OperationContext,
    fetch: Fetch[K, Beginning[Any]],
    key: K,
    *,
    workspace_id: UUID | None = None,
) -> int:
    """Return how many more belong to an object than its list shows; None is an organization's."""
    found = await context.load(fetch, key, workspace_id=workspace_id)
    return found.more if found is not None else 0


async def show_listed(
    context: OperationContext,
    fetch: Fetch[UUID, object],
    found: Beginning[UUID],
    *,
    workspace_id: UUID,
) -> list[Any]:
    """Return those of the first objects of a list that the caller may read.

    An object that several lists hold is read once.
    """
    claim(context, len(found.items))
    loads = (context.loaders.load(fetch, id_, workspace_id=workspace_id) for id_ in found.items)
    rows = await asyncio.gather(*loads)
    return await show_readable(context, [row for row in rows if row is not None])


def claim(context: OperationContext, count: int) -> None:
    """Note that a list of an operation holds so many objects.

    Raises:
        LimitExceeded: the lists of the operation hold more than an operation may.
    """
    loaders = context.loaders
    loaders.listed += max(count - ASSUMED_LIST_SIZE, 0)
    if loaders.listed > MAX_COST:
        raise LimitExceeded(
            f"The lists of this operation hold {MAX_COST:,} objects more than it was charged for, "
            "and further ones; ask for smaller pages or fewer levels.",
            limit=MAX_COST,
            current=loaders.listed,
        )
