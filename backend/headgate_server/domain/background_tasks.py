"""Background tasks: calls of tasks that wait in a queue for a worker, outside of any flow run.

A worker that takes one holds a lease on it, fenced by an epoch: what it says under an old epoch
changes nothing. A task whose worker is lost is taken again by another, so that it may run twice,
and ends once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import Any
from uuid import UUID

from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flows import MAX_TAG_LENGTH, MAX_TAGS
from headgate_server.domain.states import StateType, check_name_of
from headgate_server.domain.tenancy import Actor

MAX_NAME_LENGTH = 300
MAX_KEY_LENGTH = 1_000
MAX_MESSAGE_LENGTH = 10_000
MAX_STATE_MESSAGE_LENGTH = 1_000
"""So much of a message stays with a state that the call was in."""
MAX_DOCUMENT_BYTES = 64 * 1024
"""Of parameters and of a result; larger ones are named by where they lie."""
MAX_PRIORITY = 1_000
PRIORITY_STEP = timedelta(minutes=1)
"""A higher priority counts as having waited so much longer: so nobody waits for ever."""
MAX_KEYS, MAX_LIMIT = 1_000, 1_000
MAX_LINES = 10_000
"""Of what one attempt logs; what comes after it is dropped, and counted."""
MAX_LOSSES = 3
"""So many workers may be lost with one task, before it counts as what kills them."""
SEEN_FOR = timedelta(seconds=5)
"""A worker that looks for calls again and again is noted so often; it looks every ten at least."""
FORGOTTEN_AFTER = timedelta(hours=1)
LOST_MESSAGE = f"{MAX_LOSSES + 1} workers were lost while they ran it."
RETRIED_MESSAGE = "Queued again by hand."
CONFIRMED_WITHIN = timedelta(seconds=60)
"""So long after a worker was asked to stop a call may it take to say that it has."""
FORCED_MESSAGE = (
    "Cancelled by force: its worker did not say in time that it has stopped; it may still run."
)


class LeaseVerdict(StrEnum):
    """What a renewal says of one lease."""

    RENEWED = "RENEWED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class NewBackgroundTask:
    """A call of a task that is to be queued.

    Args:
        id: made by the client; the same one again is the same call.
        parameters: the arguments, or where they lie, as workers read them.
        due_at: not before; at once where it is None.
    """

    id: UUID
    task_key: str
    name: str
    parameters: Any
    tags: tuple[str, ...] = ()
    priority: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskLease:
    """What a worker shows of a task that it has."""

    id: UUID
    token: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class TaskState:
    """A state that a call entered, and how often a worker had taken it by then."""

    type: StateType
    name: str
    entered_at: datetime
    message: str | None
    epoch: int


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """A queued call of a task, and how far it has come.

    Args:
        states: which it was in, the last 100 in their order.
        epoch: rises each time a worker takes it.
        leased_until: when it may be taken from the worker that has it; None where none has.
        losses: how many workers were lost while they ran it.
    """

    workspace_id: UUID
    id: UUID
    task_key: str
    name: str
    parameters: Any
    tags: tuple[str, ...]
    priority: int
    due_at: datetime
    state_type: StateType
    state_name: str
    message: str | None
    states: tuple[TaskState, ...]
    result: Any
    worker_id: UUID | None
    token: UUID | None
    epoch: int
    leased_until: datetime | None
    losses: int
    cancel_requested_at: datetime | None
    created_by: Actor
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    def was_held_under(self, lease: TaskLease) -> bool:
        """Whether this is the last lease on it, whether or not it has ended."""
        if self.token is None or self.epoch != lease.epoch:
            return False
        return compare_digest(self.token.bytes, lease.token.bytes)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which calls are wanted; all that is said must hold, and of a list one is enough."""

    task_keys: tuple[str, ...] | None = None
    state_types: tuple[StateType, ...] | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A line of what a call logged, by the order in which its worker of an epoch wrote it."""

    task_id: UUID
    epoch: int
    sequence: int
    timestamp: datetime
    level: int
    logger: str
    message: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that takes background tasks.

    Args:
        id: made by the process, one for its life.
        task_keys: the tasks that it knows.
        limit: how many it has at once.
    """

    id: UUID
    task_keys: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a worker is through with a task; SCHEDULED gives it back for another to take."""

    state_type: StateType
    state_name: str
    message: str | None = None
    result: Any = None


def check_new(new: NewBackgroundTask) -> None:
    """Refuse a call that cannot be queued.

    Raises:
        InvalidInput: naming the field and what is wrong with it.
    """
    for field, text, most in (
        ("taskKey", new.task_key, MAX_KEY_LENGTH),
        ("name", new.name, MAX_NAME_LENGTH),
    ):
        if not 1 <= len(text) <= most or "\0" in text:
            raise InvalidInput(f"{field} has 1 to {most:,} characters, and no NUL.", path=[field])
    if len(new.tags) > MAX_TAGS or any(not 1 <= len(tag) <= MAX_TAG_LENGTH for tag in new.tags):
        raise InvalidInput(
            f"A task has at most {MAX_TAGS} tags of 1 to {MAX_TAG_LENGTH} characters.",
            path=["tags"],
        )
    if abs(new.priority) > MAX_PRIORITY:
        raise InvalidInput(f"priority is from -{MAX_PRIORITY:,} to {MAX_PRIORITY:,}.")
    check_document(new.parameters, field="parameters", most_bytes=MAX_DOCUMENT_BYTES)


def check_worker(worker: Worker) -> None:
    """Refuse a worker that takes nothing, or too much.

    Raises:
        InvalidInput: no tasks, too many, or a limit out of range.
    """
    if not 1 <= len(worker.task_keys) <= MAX_KEYS:
        raise InvalidInput(f"A worker knows 1 to {MAX_KEYS:,} tasks.", path=["taskKeys"])
    if any(not 1 <= len(key) <= MAX_KEY_LENGTH or "\0" in key for key in worker.task_keys):
        raise InvalidInput(
            f"A task's key has 1 to {MAX_KEY_LENGTH:,} characters, and no NUL.", path=["taskKeys"]
        )
    if not 1 <= worker.limit <= MAX_LIMIT:
        raise InvalidInput(f"limit is from 1 to {MAX_LIMIT:,}.", path=["limit"])


def check_outcome(outcome: Outcome) -> None:
    """Refuse an outcome that is none.

    Raises:
        InvalidInput: neither an end nor SCHEDULED, or what is said of it cannot be stored.
    """
    if not (outcome.state_type.is_terminal or outcome.state_type is StateType.SCHEDULED):
        raise InvalidInput(
            "A worker ends a task, or gives it back with SCHEDULED.", path=["state", "type"]
        )
    check_name_of(outcome.state_type, outcome.state_name)
    if outcome.message is not None and len(outcome.message) > MAX_MESSAGE_LENGTH:
        raise InvalidInput(
            f"A message has at most {MAX_MESSAGE_LENGTH:,} characters.", path=["state", "message"]
        )
    if outcome.result is not None:
        check_document(outcome.result, field="result", most_bytes=MAX_DOCUMENT_BYTES)
