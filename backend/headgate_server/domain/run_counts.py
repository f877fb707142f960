"""Buckets of time that runs are counted in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.filters import DeploymentFilter, FlowFilter, FlowRunFilter, IdFilter

HOUR = timedelta(hours=1)
MIN_BUCKET = timedelta(minutes=1)
MAX_BUCKETS = 500
MAX_RANGE = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of one size, from ``low`` until before ``high``."""

    low: datetime
    high: datetime
    size: timedelta

    @property
    def count(self) -> int:
        """How many there are; the last may be cut short by ``high``."""
        return -((self.low - self.high) // self.size)

    @property
    def has_whole_hours(self) -> bool:
        """Whether each hour of the clock lies in one bucket."""
        return self.size % HOUR == timedelta()

    def start(self, place: int) -> datetime:
        """Return when a bucket begins; 0 is the first."""
        return self.low + place * self.size


@dataclass(frozen=True, slots=True)
class CountedScope:
    """What runs are counted for by the hour."""

    of: Literal["workspace", "flow", "deployment"]
    id: UUID


def make_buckets(low: datetime, high: datetime, *, size: timedelta) -> Buckets:
    """Return buckets; those of whole hours begin and end on the hour, with both ends inside.

    Raises:
        InvalidInput: too small, too many, over too long a time, or none at all.
    """
    if size < MIN_BUCKET:
        raise InvalidInput("bucket is at least one minute.", path=["bucket"])
    if not low < high:
        raise InvalidInput("from is before to.", path=["from"])
    if high - low > MAX_RANGE:
        raise InvalidInput(f"From from to to is at most {MAX_RANGE.days} days.", path=["from"])
    if size % HOUR == timedelta():
        low = low.replace(minute=0, second=0, microsecond=0)
        if high != (whole := high.replace(minute=0, second=0, microsecond=0)):
            high = whole + HOUR
    buckets = Buckets(low, high, size)
    if buckets.count > MAX_BUCKETS:
        raise InvalidInput(
            f"A histogram has at most {MAX_BUCKETS} buckets; take larger ones.", path=["bucket"]
        )
    return buckets


def counted_scope(filter_: FlowRunFilter | None, *, workspace_id: UUID) -> CountedScope | None:
    """Return the flow, deployment or workspace a filter narrows to; None where it does more."""
    if filter_ is None or filter_ == FlowRunFilter():
        return CountedScope("workspace", workspace_id)
    flow_id = _only(filter_.flow.id if filter_.flow else None)
    if flow_id and filter_ == FlowRunFilter(flow=FlowFilter(id=IdFilter(eq=flow_id))):
        return CountedScope("flow", flow_id)
    deployment_id = _only(filter_.deployment.id if filter_.deployment else None)
    narrowed = FlowRunFilter(deployment=DeploymentFilter(id=IdFilter(eq=deployment_id)))
    if deployment_id and filter_ == narrowed:
        return CountedScope("deployment", deployment_id)
    return None


def _only(filter_: IdFilter | None) -> UUID | None:
    return filter_.eq if filter_ is not None else None
