"""Mutations on assets."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.assets import (
    AssetProperties,
    MaterializationReport,
    NewMaterialization,
)
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.types.assets import Asset, show_asset
from headgate_server.services import assets, task_runs
from headgate_server.services.flow_runs.read import get_many_flow_runs

_KEY = "An address of at most 512 characters without blanks, as s3://bucket/orders.parquet."


@strawberry.input(description="What people are told of an asset; what is not said stays.")
class AssetPropertiesInput:
    name: str | None = strawberry.field(default=None, description="1 to 200 characters.")
    description: str | None = strawberry.field(
        default=None, description="In Markdown; at most 10,000 characters."
    )
    owners: list[str] | None = strawberry.field(
        default=None, description="Who answers for it: at most 50, each of 1 to 200 characters."
    )
    url: str | None = strawberry.field(default=None, description="Where people look at it.")

    def to_properties(self) -> AssetProperties:
        """Return the properties."""
        owners = None if self.owners is None else tuple(self.owners)
        return AssetProperties(self.name, self.description, owners, self.url)


@strawberry.input(description="An asset that a task has, or has not, produced.")
class MaterializedAssetInput:
    id: strawberry.ID = strawberry.field(
        description="Of this materialization, made by the client: mat_ and a UUIDv7. Sent again "
        "with the same id it changes nothing."
    )
    key: str = strawberry.field(description=_KEY)
    properties: AssetPropertiesInput | None = strawberry.field(
        default=None, description="What people are told of it."
    )
    metadata: JSON | None = strawberry.field(
        default=None, description="What the task says of it: an object, at most 64 KiB."
    )


@strawberry.input(description="What a task has produced, and from what.")
class AssetMaterializeInput:
    assets: list[MaterializedAssetInput] = strawberry.field(description="1 to 100, each once.")
    upstream: list[str] | None = strawberry.field(
        default=None, description="The keys of what they are made from; at most 100."
    )
    succeeded: bool = strawberry.field(
        default=True, description="Whether they were produced; a failure is kept in the history."
    )
    by: str | None = strawberry.field(
        default=None, description="The tool that did it, as dbt; 1 to 200 characters."
    )
    flow_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The run that did it; a run's token need not say its own."
    )
    task_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The task run that did it."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where; may be left out where a run is named, or the credential is good for "
        "one workspace only.",
    )

    def to_report(self) -> MaterializationReport:
        """Return the report.

        Raises:
            InvalidInput: an id that cannot be one, or metadata that are no object.
        """
        return MaterializationReport(
            materialized=tuple(
                NewMaterialization(
                    id=ids.parse(one.id, kind=ids.Kind.ASSET_MATERIALIZATION),
                    key=one.key,
                    properties=(one.properties or AssetPropertiesInput()).to_properties(),
                    metadata=an_object(one.metadata, "metadata") or {},
                )
                for one in self.assets
            ),
            upstream=tuple(dict.fromkeys(self.upstream or ())),
            is_success=self.succeeded,
            made_by=self.by,
            flow_run_id=_parse(self.flow_run_id, ids.Kind.FLOW_RUN),
            task_run_id=_parse(self.task_run_id, ids.Kind.TASK_RUN),
        )


@strawberry.input(description="What people are told of an asset, and how fresh it must be.")
class AssetUpsertInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    key: str = strawberry.field(description=_KEY)
    properties: AssetPropertiesInput | None = strawberry.field(
        default=None, description="What people are told of it; what is not said stays."
    )
    fresh_for: timedelta | None = strawberry.field(
        default=strawberry.UNSET,
        description="How long it stays fresh after it was produced: 1 minute to 10 years; null for "
        "ever.",
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if the asset has another version by now."
    )


@strawberry.type(description="An asset that was made or changed.")
class AssetPayload:
    asset: Asset | None = payload_field("The asset.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="Assets that a task reported.")
class AssetMaterializePayload:
    assets: list[Asset] = payload_field("The assets, in the order of the report.", default=[])
    errors: list[MutationError] = errors_field()


@strawberry.type
class AssetMutations:
    @mutation(
        requires=[Scope.ARTIFACTS_WRITE],
        description="Report that assets were produced, and from what: assets that nobody knew are "
        "made, with the edges between them. Safe to repeat.",
        is_storing=True,
    )
    async def asset_materialize(
        self,
        info: Info,
        input: Annotated[AssetMaterializeInput, strawberry.argument(description="The report.")],
    ) -> AssetMaterializePayload:
        context = info.context
        report = input.to_report()
        workspace_id = await _workspace_id(info, report, shown=input.workspace_id)
        async with context.work(workspace_id) as work:
            rows = await assets.materialize_assets(work, report, grant=context.principal.run)
        return AssetMaterializePayload(assets=[show_asset(row) for row in rows])

    @mutation(
        requires=[Scope.ARTIFACTS_WRITE],
        description="Make an asset, or change what people are told of it and how fresh it must be.",
        is_storing=True,
    )
    async def asset_upsert(
        self,
        info: Info,
        input: Annotated[AssetUpsertInput, strawberry.argument(description="What is said.")],
    ) -> AssetPayload:
        properties = (input.properties or AssetPropertiesInput()).to_properties()
        fresh_for = given(input.fresh_for, is_nullable=True)
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row = await assets.upsert_asset(
                work,
                key=input.key,
                properties=properties,
                fresh_for=fresh_for,
                expected_version=input.expected_version,
            )
        return AssetPayload(asset=show_asset(row))


def _parse(shown: str | None, kind: ids.Kind) -> UUID | None:
    return None if shown is None else ids.parse(shown, kind=kind)


async def _workspace_id(info: Info, report: MaterializationReport, *, shown: str | None) -> UUID:
    context = info.context
    if shown is not None:
        return workspace_id_of(shown)
    if report.flow_run_id is not None:
        return await context.workspace_of(get_many_flow_runs, report.flow_run_id)
    if report.task_run_id is not None:
        return await context.workspace_of(task_runs.get_many_task_runs, report.task_run_id)
    return context.own_workspace_id
