"""Mutations on saved views: create, update, delete."""

from typing import Annotated
from uuid import UUID

import strawberry
from msgspec import UNSET

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.domain.saved_views import NewSavedView, SavedViewChanges
from headgate_server.graphql.context import needing
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.shapes.payloads import DeleteInput, DeletePayload
from headgate_server.graphql.types.saved_views import SavedView, show_view
from headgate_server.services import saved_views

_FILTER = "An object of at most 16 KiB: what the page is narrowed to."
_COLUMNS = "Which columns are shown, in order; at most 50."
_SHARED = "Whether everybody in the workspace sees it; that takes RUNS_WRITE."


@strawberry.input(description="What a page is narrowed to, to be kept under a name.")
class SavedViewCreateInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    name: str = strawberry.field(description="1 to 200 characters.")
    page: str = strawberry.field(description="Which page it is of, such as flow-runs.")
    filter: JSON = strawberry.field(description=_FILTER)
    columns: list[str] | None = strawberry.field(default=None, description=_COLUMNS)
    shared: bool = strawberry.field(default=False, description=_SHARED)


@strawberry.input(description="What changes of a saved view; what is not said stays.")
class SavedViewUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which.")
    name: str | None = strawberry.field(default=None, description="1 to 200 characters.")
    filter: JSON | None = strawberry.field(default=None, description=_FILTER)
    columns: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_COLUMNS} Null leaves that to the page."
    )
    shared: bool | None = strawberry.field(default=None, description=_SHARED)
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if it has another version by now."
    )


@strawberry.type(description="A view that was kept or changed.")
class SavedViewPayload:
    saved_view: SavedView | None = payload_field("The view.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class SavedViewMutations:
    @mutation(
        requires=[Scope.RUNS_READ],
        description="Keep what a page is narrowed to.",
        is_storing=True,
    )
    async def saved_view_create(
        self,
        info: Info,
        input: Annotated[SavedViewCreateInput, strawberry.argument(description="What.")],
    ) -> SavedViewPayload:
        workspace_id = workspace_id_of(input.workspace_id)
        new = NewSavedView(
            name=input.name,
            page=input.page,
            filter=an_object(input.filter, "filter") or {},
            columns=input.columns,
            is_shared=input.shared,
        )
        async with info.context.work(workspace_id) as work:
            if new.is_shared:
                _demand_sharing(info, workspace_id)
            row = await saved_views.create_view(work, new)
        return SavedViewPayload(saved_view=show_view(row))

    @mutation(
        requires=[Scope.RUNS_READ],
        description="Change a saved view, or share it.",
        is_storing=True,
    )
    async def saved_view_update(
        self,
        info: Info,
        input: Annotated[SavedViewUpdateInput, strawberry.argument(description="What.")],
    ) -> SavedViewPayload:
        id_, workspace_id = await _find(info, input.id, is_shared=bool(input.shared))
        columns = given(input.columns, is_nullable=True)
        changes = SavedViewChanges(
            name=given(input.name),
            filter=UNSET if input.filter is None else an_object(input.filter, "filter") or {},
            columns=columns if columns is UNSET or columns is None else tuple(columns),
            is_shared=given(input.shared),
        )
        async with info.context.work(workspace_id) as work:
            row = await saved_views.update_view(
                work, id_=id_, changes=changes, expected_version=input.expected_version
            )
        return SavedViewPayload(saved_view=show_view(row))

    @mutation(requires=[Scope.RUNS_READ], description="Delete a saved view.")
    async def saved_view_delete(
        self, info: Info, input: Annotated[DeleteInput, strawberry.argument(description="Which.")]
    ) -> DeletePayload:
        id_, workspace_id = await _find(info, input.id)
        async with info.context.work(workspace_id) as work:
            await saved_views.delete_view(work, id_=id_, expected_version=input.expected_version)
        return DeletePayload(deleted_id=input.id)


async def _find(info: Info, shown: str, *, is_shared: bool = False) -> tuple[UUID, UUID]:
    """Return a view and its workspace, where the caller may change such a one.

    Raises:
        NotFound: there is none that the caller sees.
        Forbidden: it is or gets shared, and the caller lacks RUNS_WRITE.
    """
    id_ = ids.parse(shown, kind=ids.Kind.SAVED_VIEW)
    workspace_id = await info.context.workspace_of(saved_views.get_many_views, id_)
    found = await info.context.load(saved_views.get_many_views, id_, workspace_id=workspace_id)
    if is_shared or (found is not None and found.is_shared):
        _demand_sharing(info, workspace_id)
    return id_, workspace_id


def _demand_sharing(info: Info, workspace_id: UUID) -> None:
    with needing(frozenset({Scope.RUNS_WRITE})):
        info.context.demand(workspace_id)
