"""``flow.deploy``: a deployment of a flow, in the words that Prefect's users know."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from headgate.client.schemas.objects import ConcurrencyLimitConfig
from headgate.deployments.building import build_and_push
from headgate.deployments.images import DockerImage, split_reference
from headgate.deployments.schedules import Cron, Interval, RRule, Schedule
from headgate.deployments.storing import DeploymentSpec, deploy_spec, entrypoint_of
from headgate.errors import ParameterError
from headgate.flows import Flow
from headgate.logs import get_logger

logger = get_logger("deployments")

T = TypeVar("T")
Often = T | Iterable[T] | None
"""One, several or none."""

_STEPS = "headgate.deployments.steps"
_OWN = {
    "enforce_parameter_schema": "is_schema_enforced",
    **{name: name for name in ("blocks", "starts", "on_collision", "collision_parameter")},
    **{name: name for name in ("on_agent_lost", "infrastructure_retries")},
    **{name: name for name in ("abandon_after", "late_threshold")},
}
_LENGTHS = frozenset({"abandon_after", "late_threshold"})
_THEIRS = frozenset(
    {"triggers", "sla", "entrypoint_type", "print_next_steps", "ignore_warnings", "version_type"}
    | {"work_queue_name", "webserver", "global_limit", "limit", "pause_on_shutdown"}
    | {"print_starting_message", "grace_period_seconds"}
)
"""Options of Prefect that change nothing here."""


def deploy_flow(
    flow: Flow[..., Any],
    *,
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
    **options: Any,
) -> str:
    """Create a flow's deployment, or change it, and return its id.

    Args:
        image: an image with the code, or its name, which is built of this folder and pushed; a
            flow of ``from_source`` needs none.
        build, push: whether that is done now.
        options: those of ``spec_of``.
    """
    spec = with_image(flow, spec_of(flow, **options), image, is_built=build, is_pushed=push)
    (built,) = build_and_push([spec], say=logger.info)
    return deploy_spec(flow, spec=built).deployment.id


def with_image(
    flow: Flow[..., Any],
    spec: DeploymentSpec,
    image: str | DockerImage | None,
    *,
    is_built: bool,
    is_pushed: bool,
) -> DeploymentSpec:
    """Return a deployment whose runs are in an image; the same one where none is named."""
    if image is None:
        return spec
    built = [{f"{_STEPS}.build_docker_image": _build_inputs(image)}]
    name = image.name if isinstance(image, DockerImage) else split_reference(image)[0]
    pushed = [{f"{_STEPS}.push_docker_image": {"image_name": name, "tag": "{{ tag }}"}}]
    inside = [{f"{_STEPS}.set_working_directory": {"directory": "/opt/headgate/code"}}]
    reference = image.reference if isinstance(image, DockerImage) else image
    return replace(
        spec,
        build_steps=built if is_built else None,
        push_steps=pushed if is_built and is_pushed else None,
        pull_steps=spec.pull_steps if flow.source is not None else inside,
        job_variables={
            "image": "{{ image }}" if is_built else reference,
            **(spec.job_variables or {}),
        },
    )


def _build_inputs(image: str | DockerImage) -> dict[str, Any]:
    if isinstance(image, DockerImage):
        return image.build_inputs()
    name, _, tag = split_reference(image)
    return {"image_name": name, **({"tag": tag} if tag else {}), "dockerfile": "auto"}


def spec_of(
    flow: Flow[..., Any],
    *,
    name: str,
    work_pool_name: str,
    work_queue_name: str | None = None,
    job_variables: dict[str, Any] | None = None,
    interval: Often[timedelta | float] = None,
    cron: Often[str] = None,
    rrule: Often[str] = None,
    schedule: Schedule | None = None,
    schedules: Sequence[Schedule] | None = None,
    concurrency_limit: int | ConcurrencyLimitConfig | None = None,
    parameters: dict[str, Any] | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    version: str | None = None,
    paused: bool | None = None,
    **others: Any,
) -> DeploymentSpec:
    """Return what is stored of a flow as a deployment.

    Args:
        interval, cron, rrule: one, or several: each makes a schedule.
        concurrency_limit: how many of its runs agents hold at once, and what follows on one more.
        others: ``enforce_parameter_schema``, ``blocks``, ``starts``, ``on_collision``,
            ``collision_parameter``, ``on_agent_lost``, ``infrastructure_retries``,
            ``abandon_after`` and ``late_threshold``, as ``DeploymentSpec`` has them; what Prefect
            takes beside these and has no meaning here is named in the log.

    Raises:
        ParameterError: an option that is none here, nor Prefect's.
    """
    directory, source = Path.cwd(), flow.source
    return DeploymentSpec(
        name=name,
        entrypoint=source[1] if source else entrypoint_of(flow, directory=directory),
        directory=directory,
        work_pool=work_pool_name,
        work_queue=work_queue_name,
        parameters=parameters or {},
        schedules=_schedules(interval, cron, rrule, schedule, schedules),
        tags=list(tags) if tags is not None else None,
        description=description,
        is_paused=paused,
        job_variables=job_variables,
        version=version,
        pull_steps=source[0].pull_steps() if source else None,
        **{**_limit(concurrency_limit), **_own(others, name=name)},
    )


def _limit(limit: int | ConcurrencyLimitConfig | None) -> dict[str, Any]:
    if isinstance(limit, ConcurrencyLimitConfig):
        return {
            "concurrency_limit": limit.limit,
            "on_collision": limit.collision_strategy.value,
        }
    return {"concurrency_limit": limit}


def _own(options: dict[str, Any], *, name: str) -> dict[str, Any]:
    """Return further options in the words of ``DeploymentSpec``."""
    strange = sorted(options.keys() - _THEIRS - _OWN.keys())
    if strange:
        message = f"A deployment has no {', '.join(strange)}"
        raise ParameterError(message)
    left = sorted(options.keys() & _THEIRS)
    if left:
        logger.warning("Left out of the deployment %r: %s", name, ", ".join(left))
    own = {_OWN[key]: value for key, value in options.items() if key in _OWN}
    return {key: _length(value) if key in _LENGTHS else value for key, value in own.items()}


def _schedules(
    interval: Often[timedelta | float],
    cron: Often[str],
    rrule: Often[str],
    schedule: Schedule | None,
    schedules: Sequence[Schedule] | None,
) -> list[Schedule] | None:
    kinds: list[list[Schedule]] = [
        [Interval(every=every) for every in map(_length, _each(interval)) if every is not None],
        [Cron(cron=one) for one in _each(cron)],
        [RRule(rrule=one) for one in _each(rrule)],
        [] if schedule is None else [schedule],
    ]
    given = [kind for kind in kinds if kind]
    if len(given) > 1 or (given and schedules is not None):
        message = "Give one of interval, cron, rrule, schedule and schedules"
        raise ParameterError(message)
    return given[0] if given else (None if schedules is None else list(schedules))


def _each(value: Often[T]) -> list[T]:
    if value is None:
        return []
    is_one = isinstance(value, str) or not isinstance(value, Iterable)
    return [cast("T", value)] if is_one else list(cast("Iterable[T]", value))


def _length(value: timedelta | float | None) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, int | float) else value
