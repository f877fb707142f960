"""The timeline of a run's task runs."""

from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.timelines import (
    SHORTEST,
    Timeline,
    TimelineRequest,
    check_request,
)
from headgate_server.repositories import timelines


async def read_timeline(
    work: UnitOfWork, flow_run_id: UUID, *, request: TimelineRequest
) -> Timeline:
    """Return a window of a run's timeline in two statements, whatever its size.

    Up to ``request.most`` task runs are bars; of more there are counts, and whoever looks closer
    at a part of the time sees bars again.

    Raises:
        InvalidInput: the request is beyond its limits.
    """
    check_request(request)
    extent = await timelines.read_extent(work, flow_run_id, request=request)
    low = request.low or extent.low or work.now
    high = max(request.high or (extent.high or work.now) + SHORTEST, low + SHORTEST)
    # Rounded up to a whole microsecond, so that none ends before the window does.
    slot = max(-((low - high) // request.slots), SHORTEST)
    if extent.shown <= request.most:
        bars = await timelines.list_bars(work, flow_run_id, low=low, high=high, most=request.most)
        return Timeline(extent, low, high, slot, bars=bars, counts=None)
    counts = await timelines.count_bars(work, flow_run_id, low=low, high=high, slot=slot)
    return Timeline(extent, low, high, slot, bars=None, counts=counts)
