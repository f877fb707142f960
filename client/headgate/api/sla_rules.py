"""SLA rules over the API: create, update, delete, list, and what broke them."""

from datetime import datetime, timedelta

import msgspec

from headgate.api.backfills import BackfilledDeployment
from headgate.api.calls import PAGE_SIZE, Answer, Page, ask_workspace, change, given, read_page
from headgate.api.flow_runs import Named
from headgate.api.transport import Transport

NOUN = "sla_rules"


class SlaRuleAnswer(Answer, frozen=True):
    """An SLA rule as the API shows it: of a deployment, or of a flow."""

    id: str
    name: str
    kind: str
    within: timedelta
    enabled: bool
    version: int
    created_at: datetime
    deployment: BackfilledDeployment | None = None
    flow: Named | None = None


class BrokenRule(Answer, frozen=True):
    """The rule that a violation is of."""

    id: str
    name: str
    kind: str


class SlaViolationAnswer(Answer, frozen=True):
    """A rule that was broken, and by which run, if by one."""

    id: str
    since: datetime
    violated_at: datetime
    rule: BrokenRule
    ended_at: datetime | None = None
    flow_run: Named | None = None


async def create(
    transport: Transport,
    *,
    name: str,
    kind: str,
    within: timedelta,
    deployment_id: str | None = None,
    flow_id: str | None = None,
) -> SlaRuleAnswer:
    """Create a rule of a deployment or of a flow."""
    payload = await change(
        transport,
        NOUN,
        "SlaRuleCreate",
        input=given(
            name=name,
            kind=kind,
            within=msgspec.to_builtins(within),
            deploymentId=deployment_id,
            flowId=flow_id,
        ),
    )
    return msgspec.convert(payload["slaRule"], SlaRuleAnswer)


async def update(
    transport: Transport,
    *,
    sla_rule_id: str,
    within: timedelta | None = None,
    is_enabled: bool | None = None,
    expected_version: int | None = None,
) -> SlaRuleAnswer:
    """Change a rule; what is None stays.

    Raises:
        VersionConflictError: it is not of the expected version.
    """
    length = None if within is None else msgspec.to_builtins(within)
    payload = await change(
        transport,
        NOUN,
        "SlaRuleUpdate",
        input=given(
            id=sla_rule_id,
            within=length,
            enabled=is_enabled,
            expectedVersion=expected_version,
        ),
    )
    return msgspec.convert(payload["slaRule"], SlaRuleAnswer)


async def delete(transport: Transport, *, sla_rule_id: str) -> None:
    """Delete a rule with its violations.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    await change(transport, NOUN, "SlaRuleDelete", input={"id": sla_rule_id})


async def list_sla_rules(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[SlaRuleAnswer]:
    """Return rules by name."""
    place = await ask_workspace(
        transport,
        NOUN,
        "SlaRules",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
    )
    return read_page(place["slaRules"], item=SlaRuleAnswer)


async def list_violations(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    is_open: bool | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[SlaViolationAnswer]:
    """Return violations, the latest first."""
    place = await ask_workspace(
        transport,
        NOUN,
        "SlaViolations",
        organization=organization,
        workspace=workspace,
        open=is_open,
        first=first,
        after=after,
    )
    return read_page(place["slaViolations"], item=SlaViolationAnswer)
