"""Mutations on SLA rules: create, update, delete."""

from datetime import timedelta
from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.permissions import Scope
from headgate_server.domain.sla_rules import NewSlaRule, SlaKind, SlaRuleChanges
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import DeleteInput, DeletePayload
from headgate_server.graphql.types.sla_rules import SlaRule, show_rule
from headgate_server.services import deployments, flows, sla_rules


@strawberry.input(description="A promise about the runs of a deployment or of a flow.")
class SlaRuleCreateInput:
    name: str = strawberry.field(description="Unique in its workspace; 1 to 200 characters.")
    kind: SlaKind = strawberry.field(description="What is promised.")
    within: timedelta = strawberry.field(description="Within what time: 1 second to 90 days.")
    deployment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose runs; this or flowId."
    )
    flow_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose runs; this or deploymentId."
    )
    enabled: bool = strawberry.field(default=True, description="Whether anybody looks.")


@strawberry.input(description="What changes of an SLA rule; what is not said stays.")
class SlaRuleUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which.")
    within: timedelta | None = strawberry.field(
        default=None,
        description="Within what time: 1 second to 90 days. Where it is less than before, runs "
        "that still wait are judged by it, but none that has begun.",
    )
    enabled: bool | None = strawberry.field(
        default=None,
        description="Whether anybody looks; runs of the time when nobody did are not judged.",
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if it has another version by now."
    )


@strawberry.type(description="An SLA rule that was made or changed.")
class SlaRulePayload:
    sla_rule: SlaRule | None = payload_field("The rule.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class SlaRuleMutations:
    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Promise something about the runs of a deployment or flow. It is judged every "
        "15 seconds, and the event sla_rule.violated tells of each violation once. A workspace has "
        "at most 1,000.",
    )
    async def sla_rule_create(
        self,
        info: Info,
        input: Annotated[SlaRuleCreateInput, strawberry.argument(description="What.")],
    ) -> SlaRulePayload:
        deployment_id, flow_id = input.deployment_id, input.flow_id
        new = NewSlaRule(
            name=input.name,
            kind=input.kind,
            within=input.within,
            deployment_id=ids.parse(deployment_id, kind=ids.Kind.DEPLOYMENT)
            if deployment_id
            else None,
            flow_id=ids.parse(flow_id, kind=ids.Kind.FLOW) if flow_id else None,
            is_enabled=input.enabled,
        )
        if new.deployment_id is not None:
            found = await info.context.workspace_of(
                deployments.get_many_deployments, new.deployment_id
            )
        elif new.flow_id is not None:
            found = await info.context.workspace_of(flows.get_many_flows, new.flow_id)
        else:
            raise InvalidInput(
                "A rule is of a deployment or of a flow: give one of both.", path=["deploymentId"]
            )
        async with info.context.work(found) as work:
            row = await sla_rules.create_rule(work, new)
        return SlaRulePayload(sla_rule=show_rule(row))

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Change an SLA rule, or have nobody look for a while.",
    )
    async def sla_rule_update(
        self,
        info: Info,
        input: Annotated[SlaRuleUpdateInput, strawberry.argument(description="What.")],
    ) -> SlaRulePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.SLA_RULE)
        workspace_id = await info.context.workspace_of(sla_rules.get_many_rules, id_)
        changes = SlaRuleChanges(within=given(input.within), is_enabled=given(input.enabled))
        async with info.context.work(workspace_id) as work:
            row = await sla_rules.update_rule(
                work, id_=id_, changes=changes, expected_version=input.expected_version
            )
        return SlaRulePayload(sla_rule=show_rule(row))

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Delete an SLA rule with its violations; the events stay.",
    )
    async def sla_rule_delete(
        self, info: Info, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.SLA_RULE)
        workspace_id = await info.context.workspace_of(sla_rules.get_many_rules, id_)
        async with info.context.work(workspace_id) as work:
            await sla_rules.delete_rule(work, id_=id_, expected_version=input.expected_version)
        return DeletePayload(deleted_id=input.id)
