"""Why a background task is not running: a function for each kind of cause, nearest first. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.domain import blocker_actions as actions
from headgate_server.domain.blocker_rules import COUNT_CAP, slots, workspace
from headgate_server.domain.blockers import Blocker, BlockerCode, Standing


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """All that may hold a call up.

    Args:
        standing: the row of the database, with the limits of its tags that are full.
        held: calls that the workers have that serve it.
    """

    standing: Standing
    held: Sequence[UUID] = ()

    @property
    def is_taken(self) -> bool:
        """Whether a worker has the call."""
        until = self.standing.of("leased_until")
        return until is not None and until > self.standing.now

    @property
    def is_started(self) -> bool:
        """Whether a worker has begun with it."""
        return self.is_taken and bool(self.standing.of("is_started"))


def find_task_blockers(found: TaskStanding) -> list[Blocker]:
    """Return why a call is not running; nothing where it runs, is over, or is taken at once.

    One that a worker has begun with waits for slots at most: of its tags, or those of its code.
    """
    if found.is_started:
        return _limits(found)
    if found.is_taken:
        message = "A worker has taken it and starts it."
        return [Blocker(BlockerCode.BEING_STARTED, message)]
    if found.standing.of("state_type") not in _WAITING:
        return []
    return [blocker for rule in RULES for blocker in rule(found)]


def _due(found: TaskStanding) -> list[Blocker]:
    due_at = found.standing.of("due_at")
    if due_at <= found.standing.now:
        return []
    message = f"It is due at {due_at:%Y-%m-%dT%H:%M:%SZ}."
    return [Blocker(BlockerCode.START_TIME_AHEAD, message, expected_start=due_at)]


def _limits(found: TaskStanding) -> list[Blocker]:
    """Its worker waits for slots of its tags before it begins, or its code for some of a limit."""
    return slots(found.standing)


def _workers(found: TaskStanding) -> list[Blocker]:
    """No worker is there that serves the task, or those that are have no room."""
    row, key = found.standing.row, found.standing.of("task_key")
    ahead = row["ahead"]
    behind = f" {ahead:,}{' or more' if ahead >= COUNT_CAP else ''} calls come before it."
    action = actions.serve_task(key)
    since = max(row["due_at"], row["created_at"])
    if row["online"] == 0:
        message = f"No worker is online that serves the task {key}.{behind if ahead else ''}"
        code = BlockerCode.NO_WORKER
        return [Blocker(code, message, since=since, queue_position=ahead, action=action)]
    if row["held"] < row["places"]:
        return []
    message = (
        f"The workers that serve the task {key} run {row['places']:,} calls at once, and have as "
        f"many.{behind if ahead else ''}"
    )
    return [
        Blocker(
            BlockerCode.NO_ROOM,
            message,
            since=since,
            queue_position=ahead,
            action=action,
            held_tasks=tuple(found.held),
        )
    ]


def _place(found: TaskStanding) -> list[Blocker]:
    return workspace(found.standing)


_WAITING = frozenset({"SCHEDULED", "PENDING", "RUNNING"})
"""A call whose worker was lost is called as it was until another takes it."""
RULES: tuple[Callable[[TaskStanding], list[Blocker]], ...] = (_due, _limits, _workers, _place)
