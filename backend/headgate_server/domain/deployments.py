"""Deployments: a flow with its code, parameters, place to run, and promises."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from headgate_server.domain.changes import changed
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.permissions import Scope

MIN_ABANDON_AFTER, MAX_ABANDON_AFTER = timedelta(minutes=1), timedelta(hours=24)
DEFAULT_ABANDON_AFTER = timedelta(minutes=10)
DEFAULT_FENCE = timedelta(minutes=10)
DEFAULT_LATE_THRESHOLD = timedelta(seconds=15)
DEFAULT_INFRASTRUCTURE_RETRIES = 3
MAX_INFRASTRUCTURE_RETRIES = 20
MAX_STARTS = 200
MAX_REFERENCE_LENGTH = 401
ALL_OF_A_FLOW = "*"
STARTS = "start_references"
CODE = frozenset(
    {
        "entrypoint",
        "pull_steps",
        "job_variables",
        "parameters",
        "work_pool_id",
        "work_queue_id",
    }
)
"""What decides which code runs, on whose machine, and what it is told to do."""
MAX_CONCURRENCY_LIMIT = 1_000_000
MAX_PARAMETER_LENGTH = 255
MAX_COLLISION_KEY_LENGTH = 255
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")

SHAPES_RUNS = frozenset(
    {
        "entrypoint",
        "pull_steps",
        "job_variables",
        "version_label",
        "git",
        "parameters",
        "parameter_schema",
        "is_schema_enforced",
        "work_pool_id",
        "work_queue_id",
        "on_agent_lost",
        "abandon_after",
        "fence",
        "infrastructure_retries",
        "late_threshold",
        "tags",
    }
)
"""What a run takes from its deployment as it is made: runs of schedules are then made anew."""


class AgentLostPolicy(StrEnum):
    """What follows when the agent of a running run falls silent."""

    CRASH = "CRASH"
    RETRY = "RETRY"


class CollisionPolicy(StrEnum):
    """What follows when a run is made while as many as may be are there already."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"
    CANCEL_OLD = "CANCEL_OLD"
    COALESCE = "COALESCE"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A flow that can be run by schedule, by the API or by a person, on agents of a pool."""

    workspace_id: UUID
    id: UUID
    flow_id: UUID
    name: str
    version: int
    is_paused: bool
    entrypoint: str | None
    description: str | None
    parameters: dict[str, Any]
    parameter_schema: dict[str, Any] | None
    is_schema_enforced: bool
    work_pool_id: UUID | None
    work_queue_id: UUID | None
    job_variables: dict[str, Any]
    pull_steps: list[Any] | None
    block_references: list[str] | None
    start_references: list[str] | None
    on_agent_lost: AgentLostPolicy
    abandon_after: timedelta
    fence: timedelta
    infrastructure_retries: int
    late_threshold: timedelta
    concurrency_limit: int | None
    on_collision: CollisionPolicy
    collision_parameter: str | None
    current_version_id: UUID | None
    created_at: datetime
    updated_at: datetime


def check_job_variables(variables: dict[str, Any] | None, *, field: str = "jobVariables") -> None:
    """Refuse variables that no launcher could set.

    Raises:
        InvalidInput: ``env`` is not an object of names that a process may have, to texts.
    """
    env: object = (variables or {}).get("env")
    if env is None:
        return
    path = [field, "env"]
    if not isinstance(env, dict):
        raise InvalidInput("env is an object of names to texts.", path=path)
    for name, value in cast("dict[str, object]", env).items():
        if not _VARIABLE.fullmatch(name):
            raise InvalidInput(
                f"{name[:100]!r} is no name of an environment variable: letters, digits and "
                "underscores, not a digit first.",
                path=path,
            )
        if not is_environment_variable(name, value):
            raise InvalidInput(f"The variable {name} is a text.", path=[*path, name])


def is_environment_variable(name: str, value: object) -> bool:
    """Whether a process may have a variable of this name and value; a number is written out."""
    is_scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    return is_scalar and _VARIABLE.fullmatch(name) is not None


def check_concurrency(*, limit: int | None, parameter: str | None) -> None:
    """Refuse a limit of runs at once that makes no sense.

    Raises:
        InvalidInput: a limit out of range, or the name of a parameter that is none.
    """
    if limit is not None and not 0 <= limit <= MAX_CONCURRENCY_LIMIT:
        raise InvalidInput(
            f"concurrencyLimit is from 0 to {MAX_CONCURRENCY_LIMIT:,}; null takes it away.",
            path=["concurrencyLimit"],
        )
    if parameter is not None and not 1 <= len(parameter) <= MAX_PARAMETER_LENGTH:
        raise InvalidInput(
            f"collisionParameter has 1 to {MAX_PARAMETER_LENGTH} characters.",
            path=["collisionParameter"],
        )


def check_promises(
    *,
    abandon_after: timedelta,
    fence: timedelta,
    infrastructure_retries: int,
    late_threshold: timedelta,
    lease: timedelta,
) -> None:
    """Refuse promises that the timers cannot keep.

    Args:
        lease: how long a claimed lease lives; a fence is at least three of them.

    Raises:
        InvalidInput: one of them is out of range.
    """
    if not MIN_ABANDON_AFTER <= abandon_after <= MAX_ABANDON_AFTER:
        raise InvalidInput("abandonAfter is from 1 minute to 24 hours.", path=["abandonAfter"])
    if not 3 * lease <= fence <= MAX_ABANDON_AFTER:
        seconds = 3 * lease.total_seconds()
        raise InvalidInput(f"fence is from {seconds:g} seconds to 24 hours.", path=["fence"])
    if not 0 <= infrastructure_retries <= MAX_INFRASTRUCTURE_RETRIES:
        raise InvalidInput(
            f"infrastructureRetries is from 0 to {MAX_INFRASTRUCTURE_RETRIES}.",
            path=["infrastructureRetries"],
        )
    if not timedelta(seconds=1) <= late_threshold <= MAX_ABANDON_AFTER:
        raise InvalidInput("lateThreshold is from 1 second to 24 hours.", path=["lateThreshold"])


def may_start(references: Collection[str] | None, *, flow_name: str, name: str) -> bool:
    """Whether a deployment is among those that runs may start; None stands for all."""
    if references is None:
        return True
    return _is_named(f"{flow_name}/{name}", by=references)


def name_starts(
    current: Deployment | None, columns: dict[str, Any], *, is_starter: bool
) -> dict[str, Any]:
    """Return the columns of a deployment that is made or changed, with what its runs may start.

    A new deployment of a caller who may start runs lets its own start all of the workspace, unless
    it says which; that of any other caller lets them start none.

    Args:
        current: the deployment as it is; None for a new one.
        columns: what is to be set.
        is_starter: whether the caller may start every deployment of the workspace.

    Raises:
        InvalidInput: too many, or what is no ``flow/deployment``.
        Forbidden: its runs could start what the caller may not.
    """
    is_said, named = STARTS in columns, cast("Sequence[str] | None", columns.get(STARTS))
    if named is not None:
        columns = {**columns, STARTS: _checked_starts(named)}
    if is_starter:
        return columns
    if current is None and not is_said:
        return {**columns, STARTS: []}
    kept = columns[STARTS] if is_said else current.start_references if current else []
    code = {name: value for name, value in columns.items() if name in CODE}
    is_changed = is_said or (current is not None and bool(changed(current, code)))
    if is_changed and kept != []:
        raise Forbidden(
            "The runs of this deployment could start others, for which you need RUNS_WRITE; let "
            "them start none with starts: [].",
            missing_scopes=[Scope.RUNS_WRITE.value],
        )
    return columns


def common_names(
    names: Collection[str] | None, others: Collection[str] | None
) -> tuple[str, ...] | None:
    """Return what two lists of blocks, or of deployments, both name; None stands for all.

    What one names with all of its kind (``kind/*``) and the other by itself, both name.
    """
    if names is None or others is None:
        found = others if names is None else names
        return None if found is None else tuple(found)
    both = {name for name in names if _is_named(name, by=others)}
    return tuple(sorted(both.union(name for name in others if _is_named(name, by=names))))


def _is_named(name: str, *, by: Collection[str]) -> bool:
    """Whether a list names something by itself or with all of its kind."""
    return name in by or f"{name.rpartition('/')[0]}/{ALL_OF_A_FLOW}" in by


def _checked_starts(references: Sequence[str]) -> list[str]:
    found = sorted(set(references))
    if len(found) > MAX_STARTS:
        raise InvalidInput(f"A deployment names at most {MAX_STARTS} others.", path=["starts"])
    for reference in found:
        flow_name, _, name = reference.rpartition("/")
        is_short = len(reference) <= MAX_REFERENCE_LENGTH
        if not (flow_name and name and is_short and reference.isprintable()):
            raise InvalidInput(
                f"{reference[:200]!r} is no deployment; write flow/deployment, or flow/* for all "
                "of a flow.",
                path=["starts"],
            )
    return found
