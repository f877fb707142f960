"""States of runs: what a run is in, why, and what it returned."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from headgate import elsewhere
from headgate.clock import now, now_us
from headgate.coroutines import answered
from headgate.errors import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    HeadgateError,
    PausedRun,
    UnfinishedRun,
)
from headgate.state_details import Detailed
from headgate.texts import text_of

R = TypeVar("R", covariant=True)


class StateType(StrEnum):
    """The nine kinds of state; the last four are final."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    CANCELLED = "CANCELLED"


TERMINAL_TYPES = frozenset(
    {StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED}
)


class State(Detailed, Generic[R]):
    """What a run is in, since when, why, and what it returned.

    Args:
        name: a sub-state such as TimedOut; the type's own name by default.
        data: the return value of a completed run, the exception of a failed one.
        timestamp_us: microseconds since the epoch, UTC; now by default.
        details: facts about this state as JSON, such as ``retryAt``.
    """

    __slots__ = ("data", "details", "message", "name", "timestamp_us", "type")

    def __init__(
        self,
        type: StateType,
        *,
        name: str | None = None,
        message: str | None = None,
        data: Any = None,
        timestamp_us: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.type = type
        self.name = text_of(name or type.value.capitalize())
        self.message = None if message is None else text_of(message)
        self.data = data
        self.timestamp_us = now_us() if timestamp_us is None else timestamp_us
        self.details = details

    @property
    def timestamp(self) -> datetime:
        """When the run entered the state, aware, in UTC."""
        return datetime.fromtimestamp(self.timestamp_us / 1_000_000, tz=UTC)

    def result(self, raise_on_failure: bool = True) -> Any:  # noqa: FBT001, FBT002 - Prefect's shape
        """Return what the run returned; in a coroutine, something to be awaited.

        Args:
            raise_on_failure: a false value returns the exception of a failed run instead.

        Raises:
            UnfinishedRun: the run has no result yet.
            BaseException: the run's own exception, or FailedRun, CrashedRun or CancelledRun
                where it had none.
        """
        return answered(self.outcome(raise_on_failure=raise_on_failure))

    async def aresult(self, raise_on_failure: bool = True) -> Any:  # noqa: FBT001, FBT002 - Prefect's shape
        """Return what the run returned, where code awaits it."""
        return self.outcome(raise_on_failure=raise_on_failure)

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> "State[Any]":
        """Return a state like this one, with other values of some attributes."""
        names = ("type", "name", "message", "data", "timestamp_us", "details")
        values = {name: getattr(self, name) for name in names} | dict(update or {})
        return State(StateType(values.pop("type")), **values)

    copy = model_copy

    def outcome(self, *, raise_on_failure: bool = True) -> Any:
        """Return what ``result`` does in a function, wherever it is called."""
        if self.type is StateType.COMPLETED:
            return self.data
        error = state_exception(self)
        if raise_on_failure or not self.is_final():
            raise error
        return error

    def is_scheduled(self) -> bool:
        """Whether the run waits for its time."""
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        """Whether the run waits for a process or for what it depends on."""
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        """Whether user code runs."""
        return self.type is StateType.RUNNING

    def is_paused(self) -> bool:
        """Whether the run waits to be resumed."""
        return self.type is StateType.PAUSED

    def is_cancelling(self) -> bool:
        """Whether the run was asked to stop and has not yet."""
        return self.type is StateType.CANCELLING

    def is_completed(self) -> bool:
        """Whether the run ended well."""
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        """Whether user code failed."""
        return self.type is StateType.FAILED

    def is_crashed(self) -> bool:
        """Whether the process or machine went away."""
        return self.type is StateType.CRASHED

    def is_cancelled(self) -> bool:
        """Whether the run was stopped on purpose."""
        return self.type is StateType.CANCELLED

    def is_final(self) -> bool:
        """Whether the run is over."""
        return self.type in TERMINAL_TYPES

    def __repr__(self) -> str:
        message = f"message={self.message!r}, " if self.message else ""
        return f"{self.name}({message}type={self.type.value})"

    def __str__(self) -> str:
        return f"{self.name}({self.message!r})" if self.message else f"{self.name}()"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return (self.type, self.name, self.message) == (other.type, other.name, other.message)

    def __hash__(self) -> int:
        return hash((self.type, self.name, self.message))


def Scheduled(  # noqa: N802 - Prefect's name
    *,
    scheduled_time: datetime | None = None,
    message: str | None = None,
    name: str = "Scheduled",
) -> State[Any]:
    """Make a state: waiting for its time.

    Args:
        scheduled_time: when that is; now if not said. Shown as ``scheduledAt`` in the details.
    """
    details = {"scheduledAt": format_timestamp(scheduled_time)} if scheduled_time else None
    return State(StateType.SCHEDULED, name=name, message=message, details=details)


def Late(*, scheduled_time: datetime | None = None, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: its time has passed, and nobody has taken it."""
    return Scheduled(scheduled_time=scheduled_time, message=message, name="Late")


def AwaitingRetry(*, retry_at_us: int, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: failed, and waiting for the next attempt."""
    retry_at = datetime.fromtimestamp(retry_at_us / 1_000_000, tz=UTC)
    return State(
        StateType.SCHEDULED,
        name="AwaitingRetry",
        message=message,
        details={"retryAt": format_timestamp(retry_at)},
    )


def AwaitingConcurrencySlot(*, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Return a state that waits for a slot of a concurrency limit."""
    return State(StateType.SCHEDULED, name="AwaitingConcurrencySlot", message=message)


def Pending(  # noqa: N802 - Prefect's name
    *, message: str | None = None, name: str = "Pending", data: Any = None
) -> State[Any]:
    """Make a state: waiting for a process, or for what it depends on."""
    return State(StateType.PENDING, name=name, message=message, data=data)


def Submitting(*, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: an agent starts what is to run it."""
    return Pending(message=message, name="Submitting")


def InfrastructurePending(*, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: what is to run it starts."""
    return Pending(message=message, name="InfrastructurePending")


def Running(*, message: str | None = None, name: str = "Running") -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: user code runs."""
    return State(StateType.RUNNING, name=name, message=message)


def Retrying(*, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: user code runs again after a failure."""
    return State(StateType.RUNNING, name="Retrying", message=message)


def Paused(*, message: str | None = None, name: str = "Paused") -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: waiting to be resumed."""
    return State(StateType.PAUSED, name=name, message=message)


def Suspended(*, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: waiting to be resumed, without a process."""
    return Paused(message=message, name="Suspended")


def Cancelling(*, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: asked to stop."""
    return State(StateType.CANCELLING, name="Cancelling", message=message)


def Completed(  # noqa: N802 - Prefect's name
    *, message: str | None = None, data: Any = None, name: str = "Completed"
) -> State[Any]:
    """Make a state: ended well."""
    return State(StateType.COMPLETED, name=name, message=message, data=data)


def RolledBack(*, message: str | None = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: ended well, and was undone with the transaction around it."""
    return Completed(message=message, name="RolledBack")


def Failed(  # noqa: N802 - Prefect's name
    *, message: str | None = None, data: Any = None, name: str = "Failed"
) -> State[Any]:
    """Make a state: user code failed."""
    return State(StateType.FAILED, name=name, message=message, data=data)


def TimedOut(*, message: str | None = None, data: Any = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: took longer than its timeout."""
    return State(StateType.FAILED, name="TimedOut", message=message, data=data)


def Crashed(*, message: str | None = None, data: Any = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: the process or machine went away."""
    return State(StateType.CRASHED, name="Crashed", message=message, data=data)


def Cancelled(*, message: str | None = None, data: Any = None) -> State[Any]:  # noqa: N802 - Prefect's name
    """Make a state: stopped on purpose."""
    return State(StateType.CANCELLED, name="Cancelled", message=message, data=data)


def state_exception(state: State[Any]) -> BaseException:
    """Return the exception that stands for a state without a result.

    A state whose data are other states, as of a flow that returned several, answers with the
    first that did not complete.
    """
    data: Any = state.data
    if isinstance(data, BaseException):
        return data
    for inner in contained_states(data):
        if not inner.is_completed():
            return state_exception(inner)
    message = state.message or f"The run is in state {state.name}"
    if not state.is_final():
        return (PausedRun if state.is_paused() else UnfinishedRun)(message)
    kinds: dict[StateType, type[HeadgateError]] = {
        StateType.CRASHED: CrashedRun,
        StateType.CANCELLED: CancelledRun,
    }
    if isinstance(data, str):
        message = data
    return kinds.get(state.type, FailedRun)(message)


def get_state_exception(state: State[Any]) -> Any:
    """Return the exception of a state that is failed, crashed or cancelled.

    In a coroutine, this returns something to be awaited.

    Raises:
        ValueError: it is none of these.
    """
    if not (state.is_failed() or state.is_crashed() or state.is_cancelled()):
        message = f"Expected a failed, crashed or cancelled state, not {state!r}"
        raise ValueError(message)
    return answered(state_exception(state))


def raise_state_exception(state: State[Any]) -> Any:
    """Raise the exception of a state that is failed, crashed or cancelled; else do nothing.

    In a coroutine, what this returns may be awaited, and need not be.
    """
    if state.is_failed() or state.is_crashed() or state.is_cancelled():
        raise state_exception(state)
    return answered(None)


async def aget_state_exception(state: State[Any]) -> BaseException:
    """Do as ``get_state_exception`` does, in a coroutine."""
    return await get_state_exception(state)


async def araise_state_exception(state: State[Any]) -> None:
    """Do as ``raise_state_exception`` does, in a coroutine."""
    raise_state_exception(state)


def is_state_iterable(value: Any) -> bool:
    """Whether a value is a list, tuple or set of states, and nothing else."""
    return not isinstance(value, State) and bool(contained_states(value))


def is_state(value: Any) -> bool:
    """Whether a value is a state."""
    return isinstance(value, State)


def contained_states(value: Any) -> list[State[Any]]:
    """Return the states in a state, list, tuple or set; empty when it holds anything else."""
    if isinstance(value, State):
        return [cast("State[Any]", value)]
    if not isinstance(value, list | tuple | set | frozenset):
        return []
    items = list(cast("Iterable[Any]", value))
    return items if items and all(isinstance(item, State) for item in items) else []


def state_of_value(value: Any) -> State[Any]:
    """Decide the final state of a run from what its function returned.

    A state stands for itself; several states are completed when all of them are; anything else
    is a result.
    """
    if isinstance(value, State):
        return cast("State[Any]", value)
    states = contained_states(value)
    if not states:
        return Completed(data=value)
    if all(state.is_completed() for state in states):
        return Completed(message="All states completed.", data=value)
    total = len(states)
    for type_, verb in (
        (StateType.CANCELLED, "cancelled"),
        (StateType.PAUSED, "paused"),
        (StateType.CRASHED, "crashed"),
        (StateType.FAILED, "failed"),
    ):
        count = sum(state.type is type_ for state in states)
        if count:
            final = StateType.FAILED if type_ is StateType.CRASHED else type_
            return State(final, message=f"{count}/{total} states {verb}.", data=value)
    unfinished = sum(not state.is_final() for state in states)
    return Failed(message=f"{unfinished}/{total} states are not final.", data=value)


def format_timestamp(instant: datetime) -> str:
    """Write an instant as the API does: RFC 3339 in UTC with microseconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def timestamp_now() -> str:
    """Write what the clock of this context shows, as the API does."""
    return format_timestamp(now())


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
