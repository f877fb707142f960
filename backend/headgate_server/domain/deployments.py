"""Deployments: a flow with its code, parameters, place to run, and promises."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

MIN_ABANDON_AFTER, MAX_ABANDON_AFTER = timedelta(minutes=1), timedelta(hours=24)
DEFAULT_ABANDON_AFTER = timedelta(minutes=10)
DEFAULT_FENCE = timedelta(minutes=10)
DEFAULT_LATE_THRESHOLD = timedelta(seconds=15)
DEFAULT_INFRASTRUCTURE_RETRIES = 3
MAX_INFRASTRUCTURE_RETRIES = 20
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


class AgentLostPolicy(StrEnum):
    """What follows when the agent of a running run falls silent."""

    CRASH = "CRASH"
    RETRY = "RETRY"


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
    on_agent_lost: AgentLostPolicy
    abandon_after: timedelta
    fence: timedelta
    infrastructure_retries: int
    late_threshold: timedelta
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
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidInput(f"The variable {name} is a text.", path=[*path, name])


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
