"""Task runs as the engine reports them: one row each, with its states packed inside."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from headgate_server.domain import ids
from headgate_server.domain.clock import is_instant
from headgate_server.domain.documents import Count
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flows import MAX_TAG_LENGTH, MAX_TAGS
from headgate_server.domain.states import StateType, check_name_of

MAX_BATCH = 1000
MAX_STATES = 200
MAX_NAME_LENGTH = 300
MAX_MESSAGE_LENGTH = 10_000
MAX_KEY_LENGTH = 1000
ROLLED_BACK = "RolledBack"

PackedState = tuple[StateType, str, int, str | None]
"""Type, name, microseconds since the epoch, message."""


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One call of a task inside a flow run."""

    workspace_id: UUID
    id: UUID
    flow_run_id: UUID
    task_key: str
    name: str
    map_index: int | None
    tags: tuple[str, ...]
    cache_key: str | None
    attempt: int
    parents: tuple[UUID, ...]
    state_type: StateType
    state_name: str
    states: tuple[tuple[str, str, int, str | None], ...]
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime

    @property
    def duration(self) -> timedelta | None:
        """Return the time from the first start to the end; None until it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at


class TaskRunBatch(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Task runs in columns: every array has the same length, 1 to 1,000."""

    id: list[str]
    task_key: list[str]
    name: list[str]
    map_index: list[Count | None]
    tags: list[list[str]]
    cache_key: list[str | None]
    attempt: list[Count]
    parents: list[list[str]]
    states: list[list[PackedState]]


@dataclass(frozen=True, slots=True)
class TaskRunRow:
    """One reported task run, checked and ready to be stored."""

    id: UUID
    task_key: str
    name: str
    map_index: int | None
    tags: list[str]
    cache_key: str | None
    attempt: int
    parents: list[UUID]
    states: list[PackedState]

    @property
    def state(self) -> PackedState:
        """Return the latest state."""
        return self.states[-1]

    @property
    def started_us(self) -> int | None:
        """Return when it first ran, in microseconds since the epoch."""
        return next((at for type_, _, at, _ in self.states if type_ is StateType.RUNNING), None)

    @property
    def ended_us(self) -> int | None:
        """Return when it ended, in microseconds since the epoch."""
        type_, _, at, _ = self.states[-1]
        return at if type_.is_terminal else None


@dataclass(frozen=True, slots=True)
class TaskRunRejection:
    """A reported task run that was not stored, and why."""

    id: str
    code: str
    message: str


def parse_batch(batch: Any) -> TaskRunBatch:
    """Return a batch checked for shape.

    Raises:
        InvalidInput: not the documented columns, unequal lengths, or too many rows.
    """
    try:
        parsed = msgspec.convert(batch, TaskRunBatch)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The batch is malformed: {error}", path=["batch"]) from None
    size = len(parsed.id)
    if not 1 <= size <= MAX_BATCH:
        raise InvalidInput(f"A batch holds 1 to {MAX_BATCH} task runs.", path=["batch", "id"])
    for column in parsed.__struct_fields__:
        if len(getattr(parsed, column)) != size:
            raise InvalidInput("All columns have the same length.", path=["batch", column])
    return parsed


def rows_of(batch: TaskRunBatch) -> tuple[list[TaskRunRow], list[TaskRunRejection]]:
    """Return the rows that can be stored and the rejections, each in the batch's order."""
    rows: list[TaskRunRow] = []
    rejections: list[TaskRunRejection] = []
    for index, shown in enumerate(batch.id):
        try:
            rows.append(_row(batch, index))
        except InvalidInput as error:
            rejections.append(TaskRunRejection(id=shown, code=error.code, message=error.message))
    return rows, rejections


def _row(batch: TaskRunBatch, index: int) -> TaskRunRow:
    _check_states(batch.states[index])
    _check_lengths(batch, index)
    parse = ids.parse
    kind = ids.Kind.TASK_RUN
    return TaskRunRow(
        id=parse(batch.id[index], kind=kind),
        task_key=batch.task_key[index],
        name=batch.name[index],
        map_index=batch.map_index[index],
        tags=batch.tags[index],
        cache_key=batch.cache_key[index],
        attempt=batch.attempt[index],
        parents=[parse(parent, kind=kind) for parent in batch.parents[index]],
        states=batch.states[index],
    )


def _check_states(states: list[PackedState]) -> None:
    if not 1 <= len(states) <= MAX_STATES:
        raise InvalidInput(f"A task run has 1 to {MAX_STATES} states.")
    ended_as: str | None = None
    for type_, name, at_us, message in states:
        check_name_of(type_, name)
        if ended_as is not None and name != ROLLED_BACK:
            raise InvalidInput(f"A task run that has ended as {ended_as} does not become {name}.")
        ended_as = name if type_.is_terminal else None
        if message and len(message) > MAX_MESSAGE_LENGTH:
            raise InvalidInput(f"A state's message has at most {MAX_MESSAGE_LENGTH} characters.")
        if not is_instant(at_us):
            raise InvalidInput(
                "A state's time is in microseconds since 1970, before the year 10000."
            )


def _check_lengths(batch: TaskRunBatch, index: int) -> None:
    if not 1 <= len(batch.name[index]) <= MAX_NAME_LENGTH:
        raise InvalidInput(f"A task run's name has 1 to {MAX_NAME_LENGTH} characters.")
    for text, what in ((batch.task_key[index], "taskKey"), (batch.cache_key[index], "cacheKey")):
        if text is not None and len(text) > MAX_KEY_LENGTH:
            raise InvalidInput(f"{what} has at most {MAX_KEY_LENGTH:,} characters.")
    tags = batch.tags[index]
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in tags):
        raise InvalidInput(f"A run has at most {MAX_TAGS} tags of {MAX_TAG_LENGTH} characters.")
