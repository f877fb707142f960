"""What can be known of flows and deployments without a server: imports, parameters, schedules."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from headgate.cli.entrypoints import import_flow
from headgate.cli.failures import CommandError, hints_of
from headgate.deployments.project_file import read_project
from headgate.deployments.schedules import Cron, RRule, Schedule, as_input
from headgate.deployments.storing import DeploymentSpec, check_parameters
from headgate.engine.named_steps import step_function
from headgate.errors import EntrypointError, HeadgateError
from headgate.flows import Flow

Level = Literal["error", "warning"]
_CRON_FIELDS = 5


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong, or may be.

    Args:
        level: an error would be refused, or would fail runs; a warning need not.
        where: the entrypoint, or the deployment and what of it.
        hint: what to do about it.
    """

    level: Level
    where: str
    message: str
    hint: str | None = None


def check_flow(entrypoint: str) -> list[Finding]:
    """Return what is wrong with a flow that is imported from the current folder."""
    flow, findings = _imported(entrypoint, where=entrypoint)
    return findings if flow is None else [*findings, *_schema(flow, where=entrypoint)]


def check_project(path: Path) -> tuple[list[DeploymentSpec], list[Finding]]:
    """Return the deployments of a project file, and what is wrong with them."""
    try:
        specs = read_project(path)
    except HeadgateError as error:
        return [], [Finding(level="error", where=str(path), message=str(error))]
    if not specs:
        return [], [Finding(level="warning", where=str(path), message="It has no deployment")]
    return specs, [finding for spec in specs for finding in check_deployment(spec)]


def check_deployment(spec: DeploymentSpec) -> list[Finding]:
    """Return what is wrong with a deployment: what a deploy would refuse, or fail its runs."""
    where = spec.name
    findings = [
        Finding(level="warning", where=where, message=f"{key} is not stored with a deployment")
        for key in spec.ignored
    ]
    if spec.work_pool is None:
        findings.append(
            Finding(
                level="error",
                where=where,
                message="It names no work pool, so no agent runs it",
                hint="`headgate work-pools list` shows what there is.",
            )
        )
    if spec.problem is not None:
        findings.append(Finding(level="error", where=where, message=spec.problem))
    findings += [finding for step in _steps(spec) for finding in _step(*step, where=where)]
    findings += _schedules(spec)
    if spec.problem is not None and "{{" in spec.entrypoint:
        return findings
    with chdir(spec.directory):
        flow, wrong = _imported(spec.entrypoint, where=where)
    findings += wrong
    if flow is not None:
        findings += _schema(flow, where=where)
        findings += _parameters(flow, spec)
    return findings


def _imported(entrypoint: str, *, where: str) -> tuple[Flow[..., Any] | None, list[Finding]]:
    try:
        return import_flow(entrypoint), []
    except CommandError as error:
        hint = " ".join(hints_of(error)) or None
        return None, [Finding(level="error", where=where, message=str(error), hint=hint)]


def _schema(flow: Flow[..., Any], *, where: str) -> list[Finding]:
    try:
        flow.parameter_schema()
    except Exception as error:  # noqa: BLE001 - annotations are the user's, and so is what they raise
        message = f"Its parameters have no JSON Schema: {type(error).__name__}: {error}"
        return [Finding(level="error", where=where, message=message)]
    return [
        Finding(
            level="warning",
            where=where,
            message=f"The parameter {name} takes anything: its annotation cannot be read: {cause}",
            hint="Import what it names where the flow runs, not for type checkers alone.",
        )
        for name, cause in flow.unreadable_parameters().items()
    ]


def _parameters(flow: Flow[..., Any], spec: DeploymentSpec) -> list[Finding]:
    findings: list[Finding] = []
    for given in [spec.parameters, *(one.parameters for one in spec.schedules or ())]:
        try:
            check_parameters(flow, parameters=given)
        except HeadgateError as error:
            findings.append(Finding(level="error", where=spec.name, message=str(error)))
    known = flow.spec.signature.parameters.values()
    required = {
        one.name
        for one in known
        if one.default is one.empty and one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
    }
    for schedule in spec.schedules or ():
        missing = sorted(required - spec.parameters.keys() - schedule.parameters.keys())
        if schedule.is_active and missing:
            message = f"Its scheduled runs lack {', '.join(missing)}, which the flow requires"
            hint = "Give them under parameters, or a default in the flow."
            findings.append(Finding(level="error", where=spec.name, message=message, hint=hint))
    return findings


def _schedules(spec: DeploymentSpec) -> list[Finding]:
    schedules = spec.schedules or ()
    slugs = [entry["slug"] for entry in as_input(schedules)]
    findings = [
        Finding(level="error", where=spec.name, message=f"Two schedules have the slug {slug!r}")
        for slug in dict.fromkeys(slugs)
        if slugs.count(slug) > 1
    ]
    for slug, schedule in zip(slugs, schedules, strict=True):
        findings += _schedule(schedule, where=f"{spec.name}: schedule {slug}")
    return findings


def _schedule(schedule: Schedule, *, where: str) -> list[Finding]:
    findings: list[Finding] = []
    if isinstance(schedule, Cron) and len(schedule.cron.split()) != _CRON_FIELDS:
        message = f"The cron expression {schedule.cron!r} does not have five fields"
        hint = "Minute, hour, day, month, weekday: '0 6 * * MON-FRI'."
        findings.append(Finding(level="error", where=where, message=message, hint=hint))
    if isinstance(schedule, Cron | RRule) and not _is_zone(schedule.timezone):
        message = f"There is no time zone {schedule.timezone!r}"
        hint = "Write an IANA name, as Europe/Berlin."
        findings.append(Finding(level="error", where=where, message=message, hint=hint))
    return findings


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _steps(spec: DeploymentSpec) -> Iterable[tuple[Level, Any]]:
    """Return every step, and how bad it is where it cannot be called here."""
    here: Sequence[Any] = [*(spec.build_steps or ()), *(spec.push_steps or ())]
    for step in here:
        yield "error", step
    # Agents do these, where more may be installed.
    for step in spec.pull_steps or ():
        yield "warning", step


def _step(level: Level, step: Any, *, where: str) -> list[Finding]:
    if not isinstance(step, Mapping):
        message = f"A step is a mapping of a function's name to its inputs, not {step!r}"
        return [Finding(level="error", where=where, message=message)]
    findings: list[Finding] = []
    for name, inputs in cast("Mapping[str, Any]", step).items():
        try:
            step_function(str(name), inputs or {})
        except EntrypointError as error:
            findings.append(Finding(level=level, where=where, message=str(error)))
    return findings
