"""``headgate check``: says what is wrong with flows and headgate.yaml, and deploys nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from headgate.cli.checks import Finding, check_flow, check_project
from headgate.cli.connection import connect
from headgate.cli.entrypoints import flow_names
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.init import flows_below
from headgate.cli.lookups import look_up
from headgate.cli.output import Columns, OutputOption, say, show_list
from headgate.deployments.project_file import find_project_file
from headgate.deployments.storing import DeploymentSpec
from headgate.errors import ApiError, SettingsError


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what is wrong with it."""

    flows: list[str]
    specs: list[DeploymentSpec]
    findings: list[Finding]


def check(
    path: Annotated[
        str, Parameter(help="a folder, a project file, path/file.py, or path/file.py:flow")
    ] = ".",
    /,
    *,
    strict: Annotated[
        bool, Parameter(name="--strict", negative="", help="let warnings fail it, too")
    ] = False,
    offline: Annotated[
        bool, Parameter(name="--offline", negative="", help="ask no server what it has")
    ] = False,
    output: OutputOption = "table",
) -> int:
    """Say what is wrong with flows and deployments, and deploy nothing; exits 1 for an error.

    Flows are imported. Of a folder its headgate.yaml is checked or, where it has none, every flow.
    Where a server is configured it is asked for the pools, blocks and variables that are named.
    """
    checked = _checked(path)
    findings = [*checked.findings, *([] if offline else _asked(checked.specs))]
    columns: Columns[Finding] = {
        "level": lambda finding: finding.level,
        "where": lambda finding: finding.where,
        "what": lambda finding: finding.message,
        "what helps": lambda finding: finding.hint,
    }
    if findings or output != "table":
        show_list(findings, columns=columns, output=output)
    errors = sum(finding.level == "error" for finding in findings)
    warnings = len(findings) - errors
    what = f"{len(checked.specs)} deployments" if checked.specs else f"{len(checked.flows)} flows"
    say(f"{what} checked: {errors} errors, {warnings} warnings.")
    return ExitCode.FAILURE if errors or (strict and warnings) else ExitCode.OK


def _checked(path: str) -> Checked:
    place = Path(path)
    if place.is_dir():
        project = find_project_file(place)
        if not project.is_file():
            return _flows([f"{place / flow}" for flow in flows_below(place)], where=path)
        place = project
    if place.suffix in {".yaml", ".yml"}:
        specs, findings = check_project(place)
        return Checked(flows=[], specs=specs, findings=findings)
    file, separator, _ = path.rpartition(":")
    if separator:
        return _flows([path], where=path)
    if not place.is_file():
        raise CommandError(
            f"There is no {file or path}",
            code=ExitCode.USAGE,
            hints=["Name a folder, a headgate.yaml, path/file.py or path/file.py:flow."],
        )
    # A file that cannot be read has no names to be found: importing it says why.
    names = flow_names(place)
    return _flows([f"{path}:{name}" for name in names] or [path], where=path)


def _flows(entrypoints: Sequence[str], *, where: str) -> Checked:
    findings = [finding for entrypoint in entrypoints for finding in check_flow(entrypoint)]
    if not entrypoints:
        message = "There is no flow in it"
        hint = "A flow is a function with the decorator @flow."
        findings.append(Finding(level="error", where=where, message=message, hint=hint))
    return Checked(flows=list(entrypoints), specs=[], findings=findings)


def _asked(specs: Sequence[DeploymentSpec]) -> list[Finding]:
    """Return what the server says of what deployments name."""
    if not specs:
        return []
    try:
        with connect() as server:
            return look_up(server, specs)
    except SettingsError:
        say("No server is configured: pools, blocks and variables were not looked up.")
    except ApiError as error:
        message = f"Pools, blocks and variables were not looked up: {error}"
        hint = "Say --offline to leave that out."
        return [Finding(level="warning", where="the server", message=message, hint=hint)]
    return []
