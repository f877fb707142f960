"""What a flow, a task and a job declare: plain data, shared by the decorators and the engine."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

Hook = Callable[..., Any]
"""Called with (flow or task, its run, its state); may be a coroutine function."""

RunNamer = str | Callable[..., str]
"""A template over the parameters, or a function that returns the name."""

RetryDelays = float | Sequence[float] | Callable[[int], Sequence[float]] | None
"""Seconds before each retry: one for all, one each, or a function of the retry limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed attempt is followed by another.

    Args:
        limit: attempts after the first.
        delays: seconds before each of them; the last one repeats.
        jitter_factor: spreads each delay over up to this share of itself, never below zero.
        condition: called with (task, run, failed state); a false answer ends the run.
    """

    limit: int = 0
    delays: tuple[float, ...] = ()
    jitter_factor: float | None = None
    condition: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The functions to call as a run enters a state; the last two, as its transaction ends."""

    on_running: tuple[Hook, ...] = ()
    on_completion: tuple[Hook, ...] = ()
    on_failure: tuple[Hook, ...] = ()
    on_cancellation: tuple[Hook, ...] = ()
    on_crashed: tuple[Hook, ...] = ()
    on_rollback: tuple[Hook, ...] = ()
    on_commit: tuple[Hook, ...] = ()

    def changed_by(self, options: Mapping[str, Any], *, to: "Hooks") -> "Hooks":
        """Return the hooks of a copy: those of ``to`` for the kinds the options name, else these.

        Hooks may have been added since the decorator ran, and the options do not know of them.
        """
        kinds = self.__dataclass_fields__
        return Hooks(**{kind: getattr(to if kind in options else self, kind) for kind in kinds})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultOptions:
    """What becomes of results: of a task or, where that does not say, of the tasks of a flow.

    Args:
        is_kept: whether they are kept; None where that is not said.
        policy: the cache policy; None for the default one.
        expiration_seconds: after so long a cached result counts no more.
        is_refreshed: whether it is computed though there is one.
        storage: a folder, a block or its ``type-slug/name``; None for the configured one.
        serializer: one, or its name; None for the configured one.
        storage_key: a template or function of the path in the storage, in the place of a key.
    """

    is_kept: bool | None = None
    policy: Any = None
    expiration_seconds: float | None = None
    is_refreshed: bool | None = None
    storage: Any = None
    serializer: Any = None
    storage_key: RunNamer | None = None

    def with_defaults(self, other: "ResultOptions") -> "ResultOptions":
        """Return these options, with the storage and the serializer of others where none is."""
        return replace(
            self,
            storage=self.storage if self.storage is not None else other.storage,
            serializer=self.serializer if self.serializer is not None else other.serializer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """What a task declares.

    Args:
        key: names the function among all tasks of a flow, the same in every run.
        is_async: the function returns a coroutine or an asynchronous generator.
        viz_return_value: what it hands on while its flow is drawn.
    """

    fn: Callable[..., Any]
    name: str
    key: str
    signature: inspect.Signature
    is_async: bool
    is_generator: bool = False
    description: str | None = None
    version: str | None = None
    tags: frozenset[str] = frozenset()
    run_name: RunNamer | None = None
    retry: RetryPolicy = RetryPolicy()
    timeout_seconds: float | None = None
    log_prints: bool | None = None
    results: ResultOptions = ResultOptions()
    hooks: Hooks = Hooks()
    viz_return_value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """What a flow declares.

    Args:
        is_async: the function returns a coroutine or an asynchronous generator.
    """

    fn: Callable[..., Any]
    name: str
    signature: inspect.Signature
    is_async: bool
    is_generator: bool = False
    description: str | None = None
    version: str | None = None
    run_name: RunNamer | None = None
    retry: RetryPolicy = RetryPolicy()
    timeout_seconds: float | None = None
    validate_parameters: bool = True
    task_runner: Any = None
    log_prints: bool | None = None
    results: ResultOptions = ResultOptions()
    hooks: Hooks = field(default_factory=Hooks)


class JobDeployment(msgspec.Struct, frozen=True, rename="camel"):
    """The deployment that a job comes from."""

    id: str
    name: str
    version: str | None = None


class JobParent(msgspec.Struct, frozen=True, rename="camel"):
    """The run that a job's run is a part of.

    Args:
        root_flow_run_id: the one that all of them are parts of.
    """

    flow_run_id: str
    task_run_id: str
    root_flow_run_id: str
    deployment_id: str | None = None


class JobReuse(msgspec.Struct, frozen=True, rename="camel"):
    """What an attempt takes from those before it.

    Args:
        kept: whether results that they kept are used; otherwise the run begins anew.
        since: the number of the state in which the run began anew last: what it kept before, or
            cached under its own id, does not count.
        again: keys of results that are made again all the same.
    """

    kept: bool
    again: list[str] = []
    since: int = 0


class JobEnding(msgspec.Struct, frozen=True, rename="camel"):
    """The state that a run enters whose process is gone.

    Args:
        type: CRASHED or CANCELLED.
        message: why.
    """

    type: str
    message: str


class Job(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ``runClaim`` hands to an agent and the agent to the process that runs the flow.

    Args:
        pull_steps: what brings the code here; each maps one function's dotted name to its inputs.
        is_run_named: whether somebody gave the run its name, or its flow did as it began first;
            where nobody did, the flow names it as it begins.
        expected_start: when the run was due first, aware; None where nobody says.
        attempt: 1 for the first start of the run.
        retries_used: of those that its flow declares.
        grace_seconds: how long a cancelled run may clean up before it is killed.
        on_agent_lost: CRASH lets the process outlive a silent agent, RETRY does not.
        fence_seconds: under RETRY, when the process must be gone after the last renewal.
        traceparent: the span of the call that made the run.
        reuse: what is taken from earlier attempts; None where nobody said.
        redacted: secrets that the agent filled in, so that the process masks them as well.
        created: when the server heard of the run, aware.
        parent: of a run that another one started.
        work_pool, work_queue: where it waited, by name.
        ending: where the run's process is gone: only the hooks of this state are to be called.
    """

    flow_name: str
    entrypoint: str
    pull_steps: list[dict[str, Any]] | None = None
    parameters: dict[str, Any] = {}
    job_variables: dict[str, Any] = {}
    deployment: JobDeployment | None = None
    run_name: str = ""
    is_run_named: bool = True
    expected_start: datetime | None = None
    tags: list[str] = []
    workspace: str = ""
    attempt: int = 1
    retries_used: int = 0
    grace_seconds: int = 30
    on_agent_lost: str | None = None
    fence_seconds: float = 0.0
    traceparent: str | None = None
    reuse: JobReuse | None = None
    redacted: list[Any] = []
    ending: JobEnding | None = None
    flow_id: str | None = None
    created: datetime | None = None
    parent: JobParent | None = None
    work_pool: str | None = None
    work_queue: str | None = None


def decode_job(document: bytes | str | Mapping[str, Any]) -> Job:
    """Read a job from JSON, or from the mapping that the API answered.

    Raises:
        msgspec.ValidationError: it is not a job.
    """
    if isinstance(document, bytes | str):
        return msgspec.json.decode(document, type=Job)
    return msgspec.convert(document, type=Job)


def encode_job(job: Job) -> bytes:
    """Write a job as JSON."""
    return msgspec.json.encode(job)
