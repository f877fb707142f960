"""Flows: made by the first run or deployment that names them."""

from collections.abc import Sequence
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import NotFound, Unavailable
from headgate_server.domain.filters import FlowFilter
from headgate_server.domain.flows import Flow, check_name, check_tags
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.repositories import flows, tags
from headgate_server.services.events import record_change


async def upsert_flow(
    work: UnitOfWork, *, name: str, tags: Sequence[str] | None = None
) -> tuple[Flow, bool]:
    """Return the flow of a name, made if there is none, and whether it was made.

    Two callers who name a new flow at once get the same flow, and one of them made it.

    Args:
        work: the unit of work.
        name: the flow's name.
        tags: replaces the flow's tags; None leaves them alone.

    Raises:
        InvalidInput: a bad name or tag.
    """
    check_name(name)
    wanted = check_tags(tuple(tags)) if tags is not None else None
    flow, is_new = await _ensure(work, name=name, is_locked=wanted is not None)
    has_new_tags = wanted is not None and await _set_tags(work, flow.id, wanted)
    if has_new_tags and not is_new:
        flow = await flows.raise_version(work, id_=flow.id)
    if is_new or has_new_tags:
        await record_change(
            work,
            kind=ids.Kind.FLOW,
            id_=flow.id,
            name=flow.name,
            version=flow.version,
            changed=None if is_new else ["tags"],
            after={"tags": wanted} if wanted is not None else flow,
        )
    return flow, is_new


async def find_flow(work: UnitOfWork, *, id_: UUID) -> Flow | None:
    """Return a flow of the workspace."""
    return (await flows.get_many(work, [id_])).get(id_)


async def get_flow(work: UnitOfWork, *, id_: UUID) -> Flow:
    """Return a flow of the workspace.

    Raises:
        NotFound: it is in another workspace, or does not exist.
    """
    found = await find_flow(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def find_by_name(work: UnitOfWork, *, name: str) -> Flow | None:
    """Return the flow of a name."""
    return await flows.find_by_name(work, name=name) if is_storable(name) else None


async def get_many_flows(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Flow]:
    """Return those of the flows that are in the workspace, by id."""
    return await flows.get_many(work, ids_)


async def get_many_tags(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Return the sorted tags of each flow; one without any is absent."""
    return await tags.get_many_tags(work, ids_, of=tags.OF_FLOWS)


async def list_flows(
    work: UnitOfWork, *, page: PageRequest, filter: FlowFilter | None = None
) -> Page[Flow]:
    """Return a page of flows: the page key is ``(name, id)``."""
    return await flows.list_flows(work, page=page, filter=filter)


async def count_flows(
    work: UnitOfWork, *, filter: FlowFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many flows match; ``cap + 1`` stands for more than ``cap``."""
    return await flows.count_flows(work, filter=filter, cap=cap)


async def _ensure(work: UnitOfWork, *, name: str, is_locked: bool) -> tuple[Flow, bool]:
    read = flows.lock_flow if is_locked else flows.find_by_name
    found = await read(work, name=name)
    if found is not None:
        return found, False
    made = await flows.insert_flow(work, id_=ids.new_id(), name=name)
    if made is not None:
        return made, True
    found = await read(work, name=name)
    if found is None:
        raise Unavailable
    return found, False


async def _set_tags(work: UnitOfWork, flow_id: UUID, wanted: tuple[str, ...]) -> bool:
    return await tags.replace_tags(work, owner_id=flow_id, tags=wanted, of=tags.OF_FLOWS)
