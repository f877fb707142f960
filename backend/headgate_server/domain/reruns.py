"""What of a run is done again when it is started again, and why: the preview of a rerun."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from headgate_server.domain.errors import InvalidInput

MAX_CHOSEN = 1_000
MOST_PLANNED = 50_000
"""So many task runs of a run are planned; what is beyond is said to be left out."""
MOST_PARENTS = 500_000
"""So many are those that they wait for, all in all: what is beyond is left out, too."""


_BEGUN = "begun:"
"""Before the key of a subflow that has begun, and has kept nothing itself: see ``keys_again``."""


class RerunReason(StrEnum):
    """Why a task is done again, or is not."""

    WHOLE_RUN = "WHOLE_RUN"
    CHOSEN = "CHOSEN"
    NOT_COMPLETED = "NOT_COMPLETED"
    DOWNSTREAM = "DOWNSTREAM"
    RESULT_NOT_KEPT = "RESULT_NOT_KEPT"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """How a run is started again.

    Args:
        is_from_failed: only what did not complete, and what depends on it.
        from_task_run_ids: only these, and what depends on them.
        parameters: laid over those that the run has.
    """

    is_from_failed: bool = False
    from_task_run_ids: tuple[UUID, ...] = ()
    parameters: dict[str, Any] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything is to be done again."""
        return not (self.is_from_failed or self.from_task_run_ids)


WHOLE_RUN = RerunRequest()


@dataclass(frozen=True, slots=True)
class Placing:
    """What a run that starts again takes from its deployment as it is today."""

    version_id: UUID | None
    work_pool_id: UUID | None
    work_queue_id: UUID | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What an attempt that is not the first begins from.

    Args:
        is_continued: whether the run comes back: resumed after it was suspended, or for a retry
            that it waited for without a process.
        request: how somebody had it start again last.
        asked_at: when that was; None where nobody had.
        since: the number of the state in which everything was to be done again last; 0 where
            nothing ever was.
    """

    is_continued: bool = False
    request: RerunRequest = WHOLE_RUN
    asked_at: datetime | None = None
    since: int = 0


class _Said(msgspec.Struct, frozen=True):
    """What the details of a state say of how its run was started again."""

    is_from_failed: bool = msgspec.field(name="fromFailed")
    chosen: tuple[UUID, ...] = msgspec.field(name="fromTaskRunIds", default=())


class RanTask(msgspec.Struct, frozen=True, array_like=True):
    """What a plan needs to know of a task run.

    Args:
        parents: the ids of what it waits for, as texts: the collector of garbage, which holds up
            everybody, looks at each UUID.
        is_kept: whether another process can read its result.
    """

    id: UUID
    parents: tuple[str, ...] = ()
    is_completed: bool = False
    is_kept: bool = False
    cache_key: str | None = None


_RAN = msgspec.json.Decoder(list[RanTask])


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task run of a run, and what becomes of it when the run is started again."""

    id: UUID
    is_reused: bool
    reason: RerunReason


@dataclass(frozen=True, slots=True)
class RerunPlan:
    """What becomes of the task runs of a run, in the order in which they were made.

    Args:
        left_out: how many are beyond those that are planned.
    """

    tasks: list[PlannedTask]
    left_out: int = 0


def read_ran(texts: Iterable[str]) -> list[RanTask]:
    """Return the task runs that JSON texts list, by their ids.

    Other threads have their turn between two texts only.
    """
    found = (task for text in texts for task in _RAN.decode(text))
    return sorted(found, key=lambda task: task.id)


def check_rerun(request: RerunRequest) -> None:
    """Refuse what cannot be asked for.

    Raises:
        InvalidInput: both ways to choose at once, or too many tasks.
    """
    if request.is_from_failed and request.from_task_run_ids:
        raise InvalidInput(
            "Give either fromFailed or fromTaskRunIds, not both.", path=["fromTaskRunIds"]
        )
    if len(request.from_task_run_ids) > MAX_CHOSEN:
        raise InvalidInput(f"At most {MAX_CHOSEN:,} tasks are chosen.", path=["fromTaskRunIds"])


def plan_rerun(tasks: Iterable[RanTask], request: RerunRequest) -> list[PlannedTask]:
    """Return what becomes of each task run, in their order.

    A task is done again where it was chosen or did not complete, where it depends on one that is,
    or where nobody kept its result.

    Args:
        tasks: of the run.
        request: how it is started again.

    Raises:
        InvalidInput: a chosen task is none of the run's.
    """
    known = list(tasks)
    reasons = _beginnings(known, request)
    _spread(known, reasons)
    return [_planned(task, reasons.get(task.id)) for task in known]


def keys_again(tasks: Iterable[RanTask], request: RerunRequest) -> list[str]:
    """Return the keys of results that are made again although somebody may have kept them.

    A subflow that did not complete goes on with what its tasks kept, unless it, or what it depends
    on, was chosen: only then is its key among them.

    Args:
        tasks: of the run; chosen ones that are none of them do not count.
        request: how the run is started again.
    """
    known = list(tasks)
    chosen = {task.id for task in known} & set(request.from_task_run_ids)
    reasons = (
        dict.fromkeys(chosen, RerunReason.CHOSEN)
        if request.from_task_run_ids
        else _beginnings(known, request)
    )
    _spread(known, reasons)
    keys = {task.cache_key for task in known if task.id in reasons and task.cache_key}
    if not request.from_task_run_ids:
        return sorted(key for key in keys if not key.startswith(_BEGUN))
    return sorted({key.removeprefix(_BEGUN) for key in keys})


def _beginnings(tasks: list[RanTask], request: RerunRequest) -> dict[UUID, RerunReason]:
    if request.is_whole:
        return {task.id: RerunReason.WHOLE_RUN for task in tasks}
    if request.from_task_run_ids:
        missing = set(request.from_task_run_ids) - {task.id for task in tasks}
        if missing:
            raise InvalidInput("A chosen task is none of this run's.", path=["fromTaskRunIds"])
        return dict.fromkeys(request.from_task_run_ids, RerunReason.CHOSEN)
    return {task.id: RerunReason.NOT_COMPLETED for task in tasks if not task.is_completed}


def _spread(tasks: list[RanTask], reasons: dict[UUID, RerunReason]) -> None:
    """Add what depends on what is done again, however far."""
    below: dict[str, list[UUID]] = {}
    for task in tasks:
        for parent in task.parents:
            below.setdefault(parent, []).append(task.id)
    waiting = list(reasons)
    while waiting:
        for child in below.get(str(waiting.pop()), ()):
            if child not in reasons:
                reasons[child] = RerunReason.DOWNSTREAM
                waiting.append(child)


def _planned(task: RanTask, reason: RerunReason | None) -> PlannedTask:
    if reason is None and not task.is_completed:
        reason = RerunReason.NOT_COMPLETED
    if reason is None and not task.is_kept:
        reason = RerunReason.RESULT_NOT_KEPT
    return PlannedTask(task.id, reason is None, reason or RerunReason.COMPLETED)


def request_of(details: Mapping[str, Any]) -> RerunRequest | None:
    """Return how a run was started again, by the details of its state; None where none says it.

    Words that ``rerun_details`` does not write say nothing.
    """
    try:
        said = msgspec.convert(details, _Said)
    except msgspec.ValidationError:
        return None
    return RerunRequest(is_from_failed=said.is_from_failed, from_task_run_ids=said.chosen)


def rerun_details(request: RerunRequest) -> Mapping[str, Any]:
    """Return how a run was started again, as its state and the audit log keep it."""
    return {
        "fromFailed": request.is_from_failed,
        "fromTaskRunIds": [str(id_) for id_ in request.from_task_run_ids],
        "parameters": sorted(request.parameters or {}),
    }
