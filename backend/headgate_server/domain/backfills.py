"""Backfills: runs of a deployment for many instants or sets of parameters, a few at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flow_runs import MAX_NAME_LENGTH
from headgate_server.domain.schedules.specs import Spec
from headgate_server.domain.schedules.times import MAX_TIMES, check_spec, next_times
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor

MAX_ITEMS = MAX_TIMES
MAX_PARALLELISM = 100
MAX_LIVE = 1_000
"""So many backfills of a workspace go on or are paused at once."""
_TICK = timedelta(microseconds=1)


class BackfillStatus(StrEnum):
    """Where a backfill is; the last three are final.

    COMPLETED: each item had a run that completed; FAILED: all are done for, and some had none.
    """

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self not in {BackfillStatus.RUNNING, BackfillStatus.PAUSED}


class BackfillItemStatus(StrEnum):
    """Where one item is: REFUSED got no run, as its error says; ENDED had one, see its outcome."""

    WAITING = "WAITING"
    STARTED = "STARTED"
    ENDED = "ENDED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class InstantRange:
    """The instants of a specification from one to another, both included."""

    spec: Spec
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """A backfill that someone asks for.

    Args:
        deployment_id: whose runs.
        instants: a range; or
        parameter_sets: one set for each run.
        instant_parameter: the parameter that gets each instant, in ISO 8601.
        parameters: laid over the deployment's in every run, under the item's own.
        parallelism: how many of its runs may be there at once, 1 to 100.
        is_descending: whether the last comes first.
    """

    deployment_id: UUID
    name: str | None = None
    instants: InstantRange | None = None
    parameter_sets: Sequence[dict[str, Any]] | None = None
    instant_parameter: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    parallelism: int = 1
    priority: int = 0
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One run to be made: its place in the backfill's order, from 0, and what it is called with."""

    position: int
    instant: datetime | None
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Backfill:
    """Runs of a deployment for many instants or sets of parameters, a few at a time.

    ``runs_cancelled_by`` is who has its runs cancelled, until each of them was asked to end.
    """

    workspace_id: UUID
    id: UUID
    deployment_id: UUID
    name: str
    status: BackfillStatus
    parallelism: int
    priority: int
    is_descending: bool
    item_count: int
    version: int
    created_by: Actor
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    runs_cancelled_by: Actor | None = None


@dataclass(frozen=True, slots=True)
class BackfillItem:
    """One item of a backfill, with its run as soon as there is one.

    ``outcome`` is the state in which its run ended; None before, and where that was deleted first.
    """

    workspace_id: UUID
    backfill_id: UUID
    position: int
    instant: datetime | None
    parameters: dict[str, Any]
    status: BackfillItemStatus
    run_id: UUID | None
    error: str | None
    outcome: StateType | None = None


def plan_items(request: BackfillRequest) -> list[PlannedItem]:
    """Return what a backfill would run, in its order.

    Raises:
        InvalidInput: neither or both of a range and parameter sets, none or more than 1,000 items,
            or values out of range.
    """
    _check(request)
    if request.instants is not None:
        planned = _of_range(request, request.instants)
    else:
        sets = request.parameter_sets or ()
        planned = [(None, {**request.parameters, **own}) for own in sets]
    if not 1 <= len(planned) <= MAX_ITEMS:
        raise InvalidInput(
            f"A backfill has 1 to {MAX_ITEMS:,} items, not {len(planned):,}"
            f"{' or more' if len(planned) > MAX_ITEMS else ''}; choose another range.",
            path=["range" if request.instants is not None else "parameterSets"],
        )
    if request.is_descending:
        planned.reverse()
    return [
        PlannedItem(position, instant, parameters)
        for position, (instant, parameters) in enumerate(planned)
    ]


def _of_range(
    request: BackfillRequest, instants: InstantRange
) -> list[tuple[datetime | None, dict[str, Any]]]:
    if instants.until < instants.since:
        raise InvalidInput("The range ends before it begins.", path=["range", "until"])
    spec = check_spec(instants.spec)
    # The first instant counts, and instants lie after the one that is looked from.
    after = instants.since - _TICK
    found = next_times(spec, after=after, limit=MAX_ITEMS, until=instants.until)
    if len(found) == MAX_ITEMS and next_times(spec, after=found[-1], limit=1, until=instants.until):
        raise InvalidInput(
            f"The range holds more than {MAX_ITEMS:,} instants; make several backfills of it.",
            path=["range"],
        )
    name = request.instant_parameter
    return [
        (at, {**request.parameters, **({name: at.isoformat()} if name else {})}) for at in found
    ]


def _check(request: BackfillRequest) -> None:
    if (request.instants is None) == (request.parameter_sets is None):
        raise InvalidInput("Give either a range or parameterSets.", path=["range"])
    if request.instants is None and request.instant_parameter is not None:
        raise InvalidInput("instantParameter goes with a range.", path=["instantParameter"])
    if not 1 <= request.parallelism <= MAX_PARALLELISM:
        raise InvalidInput(f"parallelism is from 1 to {MAX_PARALLELISM}.", path=["parallelism"])
    name = request.name
    if name is not None and not (1 <= len(name) <= MAX_NAME_LENGTH and name.isprintable()):
        raise InvalidInput(f"name has 1 to {MAX_NAME_LENGTH} characters.", path=["name"])
