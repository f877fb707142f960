"""Which object of a workspace a name means, for those who hold rights on single objects."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.graphql.context import OperationContext


class Named(Protocol):
    """An object that is there."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...


N = TypeVar("N", bound=Named)


def visible(context: OperationContext, workspace_id: UUID) -> frozenset[UUID] | None:
    """Return the objects on which alone the caller may do what the field needs; None if on all.

    A name that several objects have is looked for among these: what others have it is not told.
    """
    if context.may(workspace_id):
        return None
    objects = context.principal.all_rights().objects
    return frozenset(id_ for id_ in objects if context.may(workspace_id, on=id_))


async def existing(
    context: OperationContext,
    workspace_id: UUID,
    find: Callable[[UnitOfWork], Awaitable[Named | None]],
) -> UUID | None:
    """Return the id of an object where rights on single objects may matter; None elsewhere.

    Args:
        context: whose field needs scopes.
        workspace_id: where the object is looked for.
        find: finds it by its name; it is not asked where nothing depends on the answer.
    """
    if not context.principal.all_rights().objects or context.may(workspace_id):
        return None
    if not await context.may_enter(workspace_id):
        return None
    async with context.backend.database.tenant(context.principal, workspace_id) as work:
        found = await find(work)
    return None if found is None else found.id


async def read_existing(
    context: OperationContext,
    workspace_id: UUID,
    find: Callable[[UnitOfWork], Awaitable[N | None]],
) -> N | None:
    """Return an object that is found by its name, if there is one.

    Raises:
        NotFound: another tenant's workspace, or none at all.
        Forbidden: the caller lacks what the field needs, there and on the object.
    """
    on = await existing(context, workspace_id, find)
    async with context.work(workspace_id, on=on) as work:
        found = await find(work)
    if found is not None:
        # The name may be another object's by now.
        context.demand(workspace_id, on=found.id)
    return found
