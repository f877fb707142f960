"""What the client is given to make or change something; what is None stays as it is."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headgate import elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPoolCreate:
    """A work pool to be made.

    Args:
        type: process, docker, kubernetes or ecs.
    """

    name: str
    type: str = "process"
    base_job_template: dict[str, Any] | None = None
    is_paused: bool | None = None
    concurrency_limit: int | None = None
    description: str | None = None
    """Nothing: pools have names only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPoolUpdate:
    """What is to change about a work pool."""

    is_paused: bool | None = None
    base_job_template: dict[str, Any] | None = None
    concurrency_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableCreate:
    """A variable to be made."""

    name: str
    value: Any
    tags: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableUpdate:
    """What is to change about a variable, which its name finds."""

    name: str
    value: Any = None
    tags: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalConcurrencyLimitCreate:
    """A concurrency limit to be made.

    Args:
        slot_decay_per_second: how fast slots come back by themselves; 0 where they are given back.
    """

    name: str
    limit: int
    slot_decay_per_second: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalConcurrencyLimitUpdate:
    """What is to change about a concurrency limit."""

    limit: int | None = None
    slot_decay_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentUpdate:
    """What is to change about a deployment."""

    paused: bool | None = None
    description: str | None = None
    version: str | None = None
    tags: list[str] | None = None
    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    entrypoint: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    concurrency_limit: int | None = None
    enforce_parameter_schema: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentScheduleCreate:
    """A schedule to be made.

    Args:
        schedule: as ``headgate.schedules`` or ``headgate.client.schemas.schedules`` make them.
        active: whether it fires; as the schedule says where it is not said here.
        slug: names it in its deployment.
    """

    schedule: Any
    active: bool | None = None
    parameters: dict[str, Any] | None = None
    slug: str | None = None


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
