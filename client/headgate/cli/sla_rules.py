"""``headgate sla-rules``: list, create, update, delete, violations."""

from functools import partial
from typing import Annotated, Literal

from cyclopts import Parameter

from headgate.api import sla_rules
from headgate.api.sla_rules import SlaRuleAnswer, SlaViolationAnswer
from headgate.cli import names
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.deployments import DeploymentName
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.output import Columns, Format, OutputOption, age, say, show_item, show_list, span
from headgate.deployments.schedules import read_length

Kind = Literal["lateness", "duration", "frequency", "freshness"]
RuleName = Annotated[str, Parameter(help="its name, or its id")]
WITHIN = "within what time, such as 5m or 1h"


def list_sla_rules(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List SLA rules by name."""
    with connect() as server:
        found = server.collect(sla_rules.list_sla_rules, limit=limit, is_told=output == "table")
    columns: Columns[SlaRuleAnswer] = {
        "id": lambda rule: rule.id,
        "name": lambda rule: rule.name,
        "promises": _promise,
        "of": _owner,
        "enabled": lambda rule: rule.enabled,
        "created": lambda rule: age(rule.created_at),
    }
    show_list(found, columns=columns, output=output)


def create_sla_rule(
    deployment: DeploymentName,
    name: Annotated[str, Parameter(help="what to call it")],
    /,
    *,
    kind: Annotated[Kind, Parameter(help="what is promised of each run, or of all of them")],
    within: Annotated[str, Parameter(help=WITHIN)],
    whole_flow: Annotated[
        bool, Parameter(negative="", help="of all runs of the deployment's flow")
    ] = False,
    output: OutputOption = "table",
) -> None:
    """Promise something about the runs of a deployment."""
    with connect() as server:
        found = names.get_deployment(server, name=deployment)
        rule = server.call(
            sla_rules.create,
            name=name,
            kind=kind.upper(),
            within=read_length(within),
            deployment_id=None if whole_flow else found.id,
            flow_id=found.flow.id if whole_flow else None,
        )
    _show(rule, output=output)


def update_sla_rule(
    name: RuleName,
    /,
    *,
    within: Annotated[str | None, Parameter(help=WITHIN)] = None,
    enabled: Annotated[
        bool | None, Parameter(negative="--disabled", help="whether anybody looks")
    ] = None,
    output: OutputOption = "table",
) -> None:
    """Change an SLA rule, or have nobody look for a while."""
    with connect() as server:
        rule = server.call(
            sla_rules.update,
            sla_rule_id=_get(server, name).id,
            within=None if within is None else read_length(within),
            is_enabled=enabled,
        )
    _show(rule, output=output)


def delete_sla_rule(name: RuleName, /, *, yes: YesOption = False) -> None:
    """Delete an SLA rule with its violations."""
    with connect() as server:
        rule = _get(server, name)
        confirm(f"Delete the SLA rule {rule.name} with its violations", is_sure=yes)
        server.call(sla_rules.delete, sla_rule_id=rule.id)
    say(f"Deleted the SLA rule {rule.name}.")


def list_violations(
    *,
    open_: Annotated[bool, Parameter(name="--open", negative="", help="only what lasts")] = False,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List when SLA rules were broken, the latest first."""
    with connect() as server:
        lister = partial(sla_rules.list_violations, is_open=True if open_ else None)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[SlaViolationAnswer] = {
        "rule": lambda violation: violation.rule.name,
        "kind": lambda violation: violation.rule.kind,
        "violated": lambda violation: age(violation.violated_at),
        "run": lambda violation: violation.flow_run.name if violation.flow_run else "",
        "ended": lambda violation: age(violation.ended_at),
    }
    show_list(found, columns=columns, output=output)


def _get(server: Server, name: str) -> SlaRuleAnswer:
    known = server.collect(sla_rules.list_sla_rules, limit=names.KNOWN_NAMES, is_told=False)
    for rule in known:
        if name in {rule.id, rule.name}:
            return rule
    raise CommandError(
        f"There is no SLA rule {name!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            name, known=(rule.name for rule in known), listing="headgate sla-rules list"
        ),
    )


def _show(rule: SlaRuleAnswer, *, output: Format) -> None:
    fields: Columns[SlaRuleAnswer] = {
        "id": lambda rule: rule.id,
        "name": lambda rule: rule.name,
        "promises": _promise,
        "of": _owner,
        "enabled": lambda rule: rule.enabled,
    }
    show_item(rule, fields=fields, output=output)


def _promise(rule: SlaRuleAnswer) -> str:
    return f"{rule.kind.lower()} within {span(rule.within)}"


def _owner(rule: SlaRuleAnswer) -> str:
    if rule.deployment is not None:
        return f"{rule.deployment.flow.name}/{rule.deployment.name}"
    return rule.flow.name if rule.flow is not None else ""
