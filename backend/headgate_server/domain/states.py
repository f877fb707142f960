"""The picture of a run's life: state types, their names, and the edges between them.

    SCHEDULED ──► PENDING ──► RUNNING ──► COMPLETED | FAILED | CRASHED
        ▲  │         │         │   │ ▲
        │  │         │         │   ▼ │
        │  │         │         │  PAUSED
        │  └─────────┴────┬────┘
        │                 ▼
        │            CANCELLING ──► CANCELLED
        └── a retry, a lost lease, or a person starts a run again

An offered run is still SCHEDULED, a claimed one PENDING; RUNNING is entered through the start
gate only.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from headgate_server.domain.documents import scrub
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.tenancy import Actor

MAX_NAME_LENGTH = 100
MAX_MESSAGE_LENGTH = 4_000
MAX_DETAILS_BYTES = 256 * 1024


class StateType(StrEnum):
    """One of nine types; everything the orchestrator decides depends on the type, not the name."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether a run in this state has ended."""
        return self in TERMINAL


TERMINAL = frozenset(
    {StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED}
)

NAMES: dict[StateType, tuple[str, ...]] = {
    StateType.SCHEDULED: (
        "Scheduled",
        "Late",
        "AwaitingRetry",
        "AwaitingConcurrencySlot",
        "Resuming",
    ),
    StateType.PENDING: ("Pending", "Submitting"),
    StateType.RUNNING: ("Running", "Retrying"),
    StateType.PAUSED: ("Paused", "Suspended"),
    StateType.CANCELLING: ("Cancelling",),
    StateType.COMPLETED: ("Completed", "Cached", "RolledBack"),
    StateType.FAILED: ("Failed", "TimedOut"),
    StateType.CRASHED: ("Crashed",),
    StateType.CANCELLED: ("Cancelled",),
}
"""Each type's names, the default first. A flow may return a state with a name of its own."""

OWN_NAMES = frozenset(NAMES[StateType.SCHEDULED][1:])
"""What a run that waits is called by Headgate alone, by how it came to wait."""
OWN_DETAILS = frozenset({"scheduledTime", "retryAt", "givesBack", "fromFailed", "fromTaskRunIds"})
"""The details of a state that Headgate reads of a run that waits, and alone writes."""

EDGES: dict[StateType, frozenset[StateType]] = {
    StateType.SCHEDULED: frozenset(
        {
            StateType.SCHEDULED,
            StateType.PENDING,
            StateType.RUNNING,
            StateType.CANCELLING,
            StateType.CANCELLED,
            StateType.CRASHED,
        }
    ),
    StateType.PENDING: frozenset(
        {
            StateType.SCHEDULED,
            StateType.PENDING,
            StateType.RUNNING,
            StateType.FAILED,
            StateType.CANCELLING,
            StateType.CANCELLED,
            StateType.CRASHED,
        }
    ),
    StateType.RUNNING: frozenset(StateType) - {StateType.PENDING, StateType.RUNNING},
    StateType.PAUSED: frozenset(StateType) - {StateType.PENDING, StateType.PAUSED},
    StateType.CANCELLING: frozenset({StateType.CANCELLED, StateType.CRASHED}),
    StateType.COMPLETED: frozenset({StateType.SCHEDULED}),
    StateType.FAILED: frozenset({StateType.SCHEDULED}),
    StateType.CRASHED: frozenset({StateType.SCHEDULED}),
    StateType.CANCELLED: frozenset({StateType.SCHEDULED}),
}
"""Where a flow run may go from each type. Out of a terminal type only a person's retry leads.

By force a person sets any end, also another one than a run has, or has it wait again.
"""


def is_allowed(current: StateType, proposed: StateType) -> bool:
    """Whether an edge leads from one type to the other."""
    return proposed in EDGES[current]


@dataclass(frozen=True, slots=True)
class ProposedState:
    """A state that someone asks a run to enter."""

    type: StateType
    name: str
    message: str | None = None
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    timestamp: datetime | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A state that a run entered: one row of its history."""

    run_id: UUID
    sequence: int
    type: StateType
    name: str
    message: str | None
    timestamp: datetime
    details: dict[str, Any]
    actor: Actor
    decision: dict[str, Any] | None = None


def propose(
    type_: StateType,
    *,
    name: str | None = None,
    message: str | None = None,
    details: dict[str, Any] | None = None,
    timestamp: datetime | None = None,
) -> ProposedState:
    """Return a proposal with the type's default name where none is given.

    Raises:
        InvalidInput: an over-long name, or the name of a state of another type.
    """
    chosen = name or NAMES[type_][0]
    check_name_of(type_, chosen)
    if message is not None:
        message = scrub(message)
        if len(message) > MAX_MESSAGE_LENGTH:
            message = message[: MAX_MESSAGE_LENGTH - 1] + "…"
    return ProposedState(
        type=type_, name=chosen, message=message, details=details or {}, timestamp=timestamp
    )


def check_name_of(type_: StateType, name: str) -> None:
    """Refuse a name that is empty, over-long, or that of a state of another type.

    Raises:
        InvalidInput: it says which.
    """
    if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidInput(
            f"A state's name has 1 to {MAX_NAME_LENGTH} printable characters.",
            path=["state", "name"],
        )
    owner = _OWNER_OF_NAME.get(name)
    if owner is not None and owner is not type_:
        raise InvalidInput(
            f"{name} is the name of a {owner} state, not of a {type_} one.",
            path=["state", "name"],
        )


def check_details(details: dict[str, Any], *, field: str = "state") -> None:
    """Refuse details that cannot be kept with every state.

    Raises:
        InvalidInput: more than ``MAX_DETAILS_BYTES`` as JSON, a number beyond 64 bits, or too deep.
    """
    try:
        size = len(orjson.dumps(details))
    except orjson.JSONEncodeError:
        raise InvalidInput(
            "The details of a state are JSON of at most 64-bit integers and moderate depth.",
            path=[field, "details"],
        ) from None
    if size > MAX_DETAILS_BYTES:
        raise InvalidInput(
            f"The details of a state have at most {MAX_DETAILS_BYTES:,} bytes as JSON.",
            path=[field, "details"],
        )


def check_waiting(state: ProposedState) -> None:
    """Refuse what Headgate alone says of a run that waits: why it waits, and until when.

    It goes by these words itself: as it decides when a run is due, what of it is done again, and
    who started it.

    Raises:
        InvalidInput: naming the word.
    """
    if state.type is not StateType.SCHEDULED:
        return
    if state.name in OWN_NAMES:
        raise InvalidInput(
            f"Headgate alone says that a run is {state.name}; leave the name out.",
            path=["state", "name"],
        )
    for key in sorted(OWN_DETAILS & state.details.keys()):
        raise InvalidInput(
            f"Headgate alone says {key} of a run that waits; leave it out.",
            path=["state", "details", key],
        )


_OWNER_OF_NAME = {name: type_ for type_, names in NAMES.items() for name in names}
