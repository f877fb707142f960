"""How the schema is made: its parts, configuration, limits, masking, and what it refuses."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import get_object_definition
from strawberry.types.execution import ExecutionContext

from headgate_server.graphql.coercions import EnumValues, enum_values
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.directives import Cost, Preview, RequiredScopes
from headgate_server.graphql.errors import ERROR_TYPES
from headgate_server.graphql.limits.extension import OperationLimits, name_rule
from headgate_server.graphql.masking import mask
from headgate_server.graphql.mutations.agents import AgentMutations
from headgate_server.graphql.mutations.allowlists import AllowlistMutations
from headgate_server.graphql.mutations.api_keys import ApiKeyMutations
from headgate_server.graphql.mutations.artifacts import ArtifactMutations
from headgate_server.graphql.mutations.assets import AssetMutations
from headgate_server.graphql.mutations.backfills import BackfillMutations
from headgate_server.graphql.mutations.background_tasks import BackgroundTaskMutations
from headgate_server.graphql.mutations.blocks import BlockMutations
from headgate_server.graphql.mutations.cache_records import CacheRecordMutations
from headgate_server.graphql.mutations.concurrency_limits import ConcurrencyLimitMutations
from headgate_server.graphql.mutations.deletions import DeletionMutations
from headgate_server.graphql.mutations.deployment_versions import DeploymentVersionMutations
from headgate_server.graphql.mutations.deployments import DeploymentMutations
from headgate_server.graphql.mutations.events import EventMutations
from headgate_server.graphql.mutations.failure_groups import FailureGroupMutations
from headgate_server.graphql.mutations.flow_runs.bulk import FlowRunBulkMutations
from headgate_server.graphql.mutations.flow_runs.fields import FlowRunMutations
from headgate_server.graphql.mutations.flow_runs.start import FlowRunStartMutations
from headgate_server.graphql.mutations.flows import FlowMutations
from headgate_server.graphql.mutations.identities import IdentityMutations
from headgate_server.graphql.mutations.invitations import InvitationMutations
from headgate_server.graphql.mutations.leases import LeaseMutations
from headgate_server.graphql.mutations.login_sessions import LoginSessionMutations
from headgate_server.graphql.mutations.logs import LogMutations
from headgate_server.graphql.mutations.members import MemberMutations
from headgate_server.graphql.mutations.organizations import OrganizationMutations
from headgate_server.graphql.mutations.pauses import PauseMutations
from headgate_server.graphql.mutations.quotas import QuotaMutations
from headgate_server.graphql.mutations.roles import RoleMutations
from headgate_server.graphql.mutations.run_inputs import RunInputMutations
from headgate_server.graphql.mutations.saved_views import SavedViewMutations
from headgate_server.graphql.mutations.schedules import ScheduleMutations
from headgate_server.graphql.mutations.service_accounts import ServiceAccountMutations
from headgate_server.graphql.mutations.sla_rules import SlaRuleMutations
from headgate_server.graphql.mutations.support_grants import SupportGrantMutations
from headgate_server.graphql.mutations.task_runs import TaskRunMutations
from headgate_server.graphql.mutations.variables import VariableMutations
from headgate_server.graphql.mutations.work_pools import WorkPoolMutations
from headgate_server.graphql.mutations.work_queues import WorkQueueMutations
from headgate_server.graphql.mutations.workspaces import WorkspaceMutations
from headgate_server.graphql.queries.flow_runs import FlowRunQueries
from headgate_server.graphql.queries.node import NodeQueries
from headgate_server.graphql.queries.organizations import OrganizationQueries
from headgate_server.graphql.queries.schedules import ScheduleQueries
from headgate_server.graphql.queries.server_info import ServerInfoQueries
from headgate_server.graphql.queries.viewer import ViewerQueries
from headgate_server.graphql.queries.workspaces import WorkspaceQueries
from headgate_server.graphql.scalars import SCALARS
from headgate_server.graphql.shapes.actors import AgentSession, RunActor, System
from headgate_server.graphql.subscriptions.agents import AgentSubscriptions
from headgate_server.graphql.subscriptions.background_tasks import BackgroundTaskSubscriptions
from headgate_server.graphql.subscriptions.events import EventSubscriptions
from headgate_server.graphql.subscriptions.flow_runs import FlowRunSubscriptions
from headgate_server.graphql.subscriptions.logs import LogSubscriptions
from headgate_server.graphql.subscriptions.pauses import PauseSubscriptions
from headgate_server.graphql.subscriptions.run_inputs import RunInputSubscriptions


class UndeclaredField(TypeError):
    """A root field declares no scopes: declare them, so that it is not open to everyone."""


@strawberry.type(description="What can be read.")
class Query(
    ViewerQueries,
    NodeQueries,
    OrganizationQueries,
    WorkspaceQueries,
    FlowRunQueries,
    ScheduleQueries,
    ServerInfoQueries,
):
    pass


@strawberry.type(description="What can be changed; every field is one transaction.")
class Mutation(
    OrganizationMutations,
    WorkspaceMutations,
    ServiceAccountMutations,
    MemberMutations,
    InvitationMutations,
    RoleMutations,
    ApiKeyMutations,
    LoginSessionMutations,
    IdentityMutations,
    FlowMutations,
    DeploymentMutations,
    DeploymentVersionMutations,
    ScheduleMutations,
    FlowRunMutations,
    FlowRunStartMutations,
    PauseMutations,
    RunInputMutations,
    FlowRunBulkMutations,
    FailureGroupMutations,
    BackfillMutations,
    BackgroundTaskMutations,
    SlaRuleMutations,
    SavedViewMutations,
    TaskRunMutations,
    LogMutations,
    WorkPoolMutations,
    WorkQueueMutations,
    AgentMutations,
    LeaseMutations,
    VariableMutations,
    ConcurrencyLimitMutations,
    BlockMutations,
    DeletionMutations,
    QuotaMutations,
    AllowlistMutations,
    SupportGrantMutations,
    ArtifactMutations,
    EventMutations,
    AssetMutations,
    CacheRecordMutations,
):
    pass


@strawberry.type(description="What can be followed, over graphql-transport-ws or event streams.")
class Subscription(
    AgentSubscriptions,
    FlowRunSubscriptions,
    PauseSubscriptions,
    BackgroundTaskSubscriptions,
    RunInputSubscriptions,
    LogSubscriptions,
    EventSubscriptions,
):
    pass


class Schema(strawberry.Schema):
    """A schema whose every error is fit to be shown before it leaves."""

    @cached_property
    def enum_values(self) -> EnumValues:
        """Return what each enum allows."""
        return enum_values(self._schema)

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Replace each error, in place, with what callers may see of it; the log keeps the rest."""
        context = execution_context.context if execution_context else None
        enums = self.enum_values
        errors[:] = [mask(name_rule(error), context=context, enums=enums) for error in errors]
        if isinstance(context, OperationContext):
            context.codes.update(str((error.extensions or {}).get("code")) for error in errors)


def build_schema() -> Schema:
    """Return the schema of the API."""
    return make_schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=(AgentSession, RunActor, System),
    )


def make_schema(
    *, query: type, mutation: type, subscription: type, types: Iterable[type] = ()
) -> Schema:
    """Return a schema with the limits and rules of the API.

    Raises:
        UndeclaredField: a root field without scopes.
    """
    for root in (query, mutation, subscription):
        check_declared(root)
    return Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[*ERROR_TYPES, *types, Cost, Preview, RequiredScopes],
        extensions=[OperationLimits],
        config=StrawberryConfig(scalar_map=dict(SCALARS), disable_field_suggestions=True),
    )


def check_declared(root: type[Any]) -> None:
    """Refuse a root type with a field that does not say who may use it.

    Raises:
        UndeclaredField: such a field.
    """
    definition = get_object_definition(root, strict=True)
    for field in definition.fields:
        if not any(hasattr(extension, "requires") for extension in field.extensions):
            raise UndeclaredField(f"{definition.name}.{field.python_name} declares no scopes.")
