"""SLA rules, and when they were broken; as fields of workspaces, flows and deployments, too."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.durations import RunOwner
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.sla_rules import SlaKind
from headgate_server.domain.sla_rules import SlaRule as RuleRow
from headgate_server.domain.sla_rules import SlaViolation as ViolationRow
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    load_named,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.types.durations import MeasuredRuns
from headgate_server.services import deployments, flows, sla_rules
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.deployments import Deployment
    from headgate_server.graphql.types.flow_runs import FlowRun
    from headgate_server.graphql.types.flows import Flow

TYPES = "headgate_server.graphql.types"
IsOpen = Annotated[
    bool | None, strawberry.argument(description="Only those that last, or only the others.")
]

strawberry.enum(
    SlaKind,
    description="What is promised within a length of time. LATENESS: a run starts so soon after it "
    "was due; one that is made when that time is over is late at once. A pause, of its deployment, "
    "pool or queue, excuses none that waits; those that schedules make ahead go with the pause of "
    "their deployment, and are not late. DURATION: it ends so soon "
    "after it first started since somebody last had it run, pauses and retries that come by "
    "themselves included. "
    "FREQUENCY: a run starts so soon after the last one did. FRESHNESS: a run completes so soon "
    "after the last one that did. A paused deployment breaks the last two as its time is over.",
)


@strawberry.type(description="A promise that was broken.")
class SlaViolation:
    id: strawberry.ID = strawberry.field(description="Its id, as the event that tells of it has.")
    since: datetime = strawberry.field(
        description="Since when the time ran: when the run was due or started, or the last one "
        "did, or the rule was switched on."
    )
    violated_at: datetime = strawberry.field(description="When the time was over.")
    found_at: datetime = strawberry.field(description="When Headgate found it.")
    ended_at: datetime | None = strawberry.field(
        description="When the promise was kept again, or its rule switched off; null before. Of a "
        "single run, when it was found."
    )
    row: strawberry.Private[ViolationRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="The rule that was broken.")
    async def rule(self, info: Info) -> "SlaRule":
        row, fetch = self.row, sla_rules.get_many_rules
        return await load_named(info.context, fetch, row.rule_id, workspace_id=row.workspace_id)

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The run that broke it, or the last one before; null without one, and if it "
        "was deleted.",
    )
    async def flow_run(
        self, info: Info
    ) -> Annotated["FlowRun", strawberry.lazy(f"{TYPES}.flow_runs")] | None:
        return await _refer(info, get_many_flow_runs, self.row.flow_run_id, self.row)


@strawberry.type(description="What the runs of a deployment or flow are promised to do.")
class SlaRule(Node, Versioned):
    name: str = strawberry.field(description="Unique in its workspace; 1 to 200 characters.")
    kind: SlaKind = strawberry.field(description="What is promised.")
    within: timedelta = strawberry.field(description="Within what time.")
    enabled: bool = strawberry.field(description="Whether anybody looks.")
    created_at: datetime = strawberry.field(description="When it was made.")
    row: strawberry.Private[RuleRow]

    @strawberry.field(description="Who made it.")
    def created_by(self) -> Actor | None:
        return show_actor(self.row.created_by)

    @scoped_field(
        requires=[Scope.FLOWS_READ], description="Whose runs; null where it is of a whole flow."
    )
    async def deployment(
        self, info: Info
    ) -> Annotated["Deployment", strawberry.lazy(f"{TYPES}.deployments")] | None:
        fetch = deployments.get_many_deployments
        return await _refer(info, fetch, self.row.deployment_id, self.row)

    @scoped_field(
        requires=[Scope.FLOWS_READ], description="Whose runs; null where it is of one deployment."
    )
    async def flow(self, info: Info) -> Annotated["Flow", strawberry.lazy(f"{TYPES}.flows")] | None:
        return await _refer(info, flows.get_many_flows, self.row.flow_id, self.row)

    @scoped_field(requires=[Scope.RUNS_READ], description="When it was broken, the latest first.")
    async def violations(
        self, info: Info, first: First = None, after: After = None, open: IsOpen = None
    ) -> Connection[SlaViolation]:
        return await list_violations(
            info,
            workspace_id=self.row.workspace_id,
            rule_id=self.row.id,
            is_open=open,
            first=first,
            after=after,
        )


@strawberry.type
class PromisingRuns(MeasuredRuns):
    """What an object's runs are promised to do, as a field of it."""

    @scoped_field(requires=[Scope.FLOWS_READ], description="Its SLA rules, by name.")
    async def sla_rules(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[SlaRule]:
        of = self.measured
        return await list_rules(
            info, workspace_id=of.workspace_id, owner=(of.owner, of.id), first=first, after=after
        )


@strawberry.type
class PromisingWorkspace:
    """The SLA rules of a workspace, as fields of it."""

    @scoped_field(requires=[Scope.FLOWS_READ], description="Its SLA rules, by name.")
    async def sla_rules(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[SlaRule]:
        return await list_rules(
            info, workspace_id=self.workspace_id, owner=None, first=first, after=after
        )

    @scoped_field(
        requires=[Scope.RUNS_READ], description="When SLA rules were broken, the latest first."
    )
    async def sla_violations(
        self, info: Info, first: First = None, after: After = None, open: IsOpen = None
    ) -> Connection[SlaViolation]:
        return await list_violations(
            info,
            workspace_id=self.workspace_id,
            rule_id=None,
            is_open=open,
            first=first,
            after=after,
        )

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError


async def _refer(info: Info, fetch: Any, id_: UUID | None, row: RuleRow | ViolationRow) -> Any:
    return await load(info.context, fetch, id_, workspace_id=row.workspace_id)


def show_rule(row: RuleRow) -> SlaRule:
    """Return a rule."""
    return SlaRule(
        id=show_id(ids.Kind.SLA_RULE, row.id),
        name=row.name,
        kind=row.kind,
        within=row.within,
        enabled=row.is_enabled,
        created_at=row.created_at,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


def show_violation(row: ViolationRow) -> SlaViolation:
    """Return a violation."""
    return SlaViolation(
        id=show_id(ids.Kind.SLA_VIOLATION, row.id),
        since=row.since,
        violated_at=row.violated_at,
        found_at=row.found_at,
        ended_at=row.ended_at,
        row=row,
    )


async def list_rules(
    info: Info,
    *,
    workspace_id: UUID,
    owner: tuple[RunOwner, UUID] | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[SlaRule]:
    """Return a page of rules, by name."""
    listing: Listing[RuleRow] = Listing(
        of=fingerprint("sla_rules", workspace_id, owner),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await sla_rules.list_rules(work, page=page, owner=owner)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await sla_rules.count_rules(work, owner=owner, cap=cap)

    return connect(rows, listing=listing, show=show_rule, count=count)


async def list_violations(
    info: Info,
    *,
    workspace_id: UUID,
    rule_id: UUID | None,
    is_open: bool | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[SlaViolation]:
    """Return a page of violations, the latest first."""
    listing: Listing[ViolationRow] = Listing(
        of=fingerprint("sla_violations", workspace_id, rule_id, is_open),
        key=lambda row: (row.violated_at, row.id),
        key_types=tuple[datetime, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await sla_rules.list_violations(work, page=page, rule_id=rule_id, is_open=is_open)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await sla_rules.count_violations(work, rule_id=rule_id, is_open=is_open, cap=cap)

    return connect(rows, listing=listing, show=show_violation, count=count)


shows(RuleRow, by=show_rule)
reads(ids.Kind.SLA_RULE, by=NodeKind(fetch=sla_rules.get_many_rules, scope=Scope.FLOWS_READ))
