"""Filters as SQL: each becomes a list of conditions that all hold; an absent filter is none.

Every sub-select names the workspace as well: row-level security is the second wall, not the first.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, and_, func, not_, or_, select, true

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.filters import (
    ArtifactFilter,
    AssetFilter,
    AuditFilter,
    DeploymentFilter,
    EventFilter,
    FlowFilter,
    FlowRunFilter,
    IdFilter,
    NameFilter,
    StateFilter,
    StringFilter,
    TagFilter,
    TaskRunFilter,
    TimeFilter,
    WorkspaceFilter,
    check_filter,
)
from headgate_server.tables.artifacts import artifact_keys
from headgate_server.tables.artifacts import artifacts as artifact_table
from headgate_server.tables.assets import assets as asset_table
from headgate_server.tables.audit_entries import audit_entries as audit_table
from headgate_server.tables.blocks import block_documents as block_document_table
from headgate_server.tables.events import events as event_table
from headgate_server.tables.flow_runs import flow_run_tags
from headgate_server.tables.flow_runs import flow_runs as flow_run_table
from headgate_server.tables.flow_runs import task_runs as task_run_table
from headgate_server.tables.flows import deployment_tags, flow_tags
from headgate_server.tables.flows import deployments as deployment_table
from headgate_server.tables.flows import flows as flow_table
from headgate_server.tables.organizations import workspaces as workspace_table
from headgate_server.tables.variables import variable_tags
from headgate_server.tables.variables import variables as variable_table

Condition = ColumnElement[bool]
_Conditions = list[Condition]


def workspaces(filter_: WorkspaceFilter | None) -> _Conditions:
    """Return the conditions on workspaces."""
    if filter_ is None:
        return []
    check_filter(filter_)
    return [
        *_text(workspace_table.c.slug, filter_.slug),
        *_text(workspace_table.c.name, filter_.name),
    ]


def audit_entries(filter_: AuditFilter | None) -> _Conditions:
    """Return the conditions on audit entries."""
    if filter_ is None:
        return []
    check_filter(filter_)
    return [
        *_time(audit_table.c.at, filter_.at),
        *_id(audit_table.c.actor_id, filter_.actor_id),
        *_text(audit_table.c.action, filter_.action),
        *_id(audit_table.c.target_id, filter_.target_id),
        *_id(audit_table.c.workspace_id, filter_.workspace_id),
    ]


def variables(filter_: NameFilter | None, *, workspace_id: UUID) -> _Conditions:
    """Return the conditions on variables."""
    if filter_ is None:
        return []
    check_filter(filter_)
    return [
        *_text(variable_table.c.name, filter_.name),
        *_tags(variable_table, variable_tags, "variable_id", filter_.tags, workspace_id),
    ]


def block_documents(filter_: NameFilter | None) -> _Conditions:
    """Return the conditions on documents of blocks, which have no tags."""
    if filter_ is None:
        return []
    check_filter(filter_)
    if filter_.tags is not None:
        raise InvalidInput("Blocks have no tags; narrow the list by name.", path=["filter", "tags"])
    return _text(block_document_table.c.name, filter_.name)


def flows(filter_: FlowFilter | None, *, workspace_id: UUID) -> _Conditions:
    """Return the conditions on flows."""
    return [] if filter_ is None else _flow(check_filter(filter_), workspace_id)


def deployments(filter_: DeploymentFilter | None, *, workspace_id: UUID) -> _Conditions:
    """Return the conditions on deployments."""
    return [] if filter_ is None else _deployment(check_filter(filter_), workspace_id)


def flow_runs(filter_: FlowRunFilter | None, *, workspace_id: UUID) -> _Conditions:
    """Return the conditions on flow runs."""
    return [] if filter_ is None else _flow_run(check_filter(filter_), workspace_id)


def task_runs(filter_: TaskRunFilter | None, *, workspace_id: UUID) -> _Conditions:
    """Return the conditions on task runs."""
    return [] if filter_ is None else _task_run(check_filter(filter_), workspace_id)


def events(filter_: EventFilter | None) -> _Conditions:
    """Return the conditions on events."""
    if filter_ is None:
        return []
    check_filter(filter_)
    return [
        *_time(event_table.c.occurred_at, filter_.occurred),
        *_text(event_table.c.name, filter_.name),
        *_text(event_table.c.resource_id, filter_.resource_id),
    ]


def artifacts(filter_: ArtifactFilter | None, *, workspace_id: UUID) -> _Conditions:
    """Return the conditions on artifacts."""
    if filter_ is None:
        return []
    check_filter(filter_)
    conditions = [
        *_text(artifact_table.c.key, filter_.key),
        *_text(artifact_table.c.type, filter_.type),
        *_id(artifact_table.c.flow_run_id, filter_.flow_run_id),
        *_id(artifact_table.c.task_run_id, filter_.task_run_id),
    ]
    if filter_.is_latest:
        latest = select(artifact_keys.c.artifact_id).where(
            artifact_keys.c.workspace_id == workspace_id
        )
        conditions.append(artifact_table.c.id.in_(latest))
    return conditions


def assets(filter_: AssetFilter | None) -> _Conditions:
    """Return the conditions on assets."""
    if filter_ is None:
        return []
    check_filter(filter_)
    return [*_text(asset_table.c.key, filter_.key), *_text(asset_table.c.name, filter_.name)]


def _flow(filter_: FlowFilter, workspace_id: UUID) -> _Conditions:
    table = flow_table
    return [
        *_id(table.c.id, filter_.id),
        *_text(table.c.name, filter_.name),
        *_tags(table, flow_tags, "flow_id", filter_.tags, workspace_id),
        *_logic(
            [_flow(part, workspace_id) for part in filter_.and_],
            [_flow(part, workspace_id) for part in filter_.or_],
            _flow(filter_.not_, workspace_id) if filter_.not_ is not None else None,
        ),
    ]


def _deployment(filter_: DeploymentFilter, workspace_id: UUID) -> _Conditions:
    table = deployment_table
    conditions = [
        *_id(table.c.id, filter_.id),
        *_text(table.c.name, filter_.name),
        *_tags(table, deployment_tags, "deployment_id", filter_.tags, workspace_id),
        *_logic(
            [_deployment(part, workspace_id) for part in filter_.and_],
            [_deployment(part, workspace_id) for part in filter_.or_],
            _deployment(filter_.not_, workspace_id) if filter_.not_ is not None else None,
        ),
    ]
    if filter_.is_paused is not None:
        conditions.append(table.c.is_paused.is_(filter_.is_paused))
    if filter_.flow is not None:
        conditions.append(
            _is_one_of(table.c.flow_id, flow_table, _flow(filter_.flow, workspace_id), workspace_id)
        )
    return conditions


def _flow_run(filter_: FlowRunFilter, workspace_id: UUID) -> _Conditions:
    table = flow_run_table
    conditions = [
        *_id(table.c.id, filter_.id),
        *_text(table.c.name, filter_.name),
        *_state(table, filter_.state),
        *_tags(table, flow_run_tags, "flow_run_id", filter_.tags, workspace_id),
        *_time(table.c.expected_start, filter_.expected_start),
        *_time(table.c.started_at, filter_.started_at),
        *_time(table.c.ended_at, filter_.ended_at),
        *_id(table.c.work_pool_id, filter_.work_pool_id),
        *_id(table.c.work_queue_id, filter_.work_queue_id),
        *_id(table.c.parent_task_run_id, filter_.parent_task_run_id),
        *_logic(
            [_flow_run(part, workspace_id) for part in filter_.and_],
            [_flow_run(part, workspace_id) for part in filter_.or_],
            _flow_run(filter_.not_, workspace_id) if filter_.not_ is not None else None,
        ),
    ]
    if filter_.flow is not None:
        inner = _flow(filter_.flow, workspace_id)
        conditions.append(_is_one_of(table.c.flow_id, flow_table, inner, workspace_id))
    if filter_.deployment is not None:
        inner = _deployment(filter_.deployment, workspace_id)
        conditions.append(_is_one_of(table.c.deployment_id, deployment_table, inner, workspace_id))
    return conditions


def _task_run(filter_: TaskRunFilter, workspace_id: UUID) -> _Conditions:
    return [
        *_id(task_run_table.c.id, filter_.id),
        *_text(task_run_table.c.name, filter_.name),
        *_state(task_run_table, filter_.state),
        *_id(task_run_table.c.flow_run_id, filter_.flow_run_id),
        *_logic(
            [_task_run(part, workspace_id) for part in filter_.and_],
            [_task_run(part, workspace_id) for part in filter_.or_],
            _task_run(filter_.not_, workspace_id) if filter_.not_ is not None else None,
        ),
    ]


def _logic(
    every: Sequence[_Conditions], some: Sequence[_Conditions], none: _Conditions | None
) -> _Conditions:
    conditions = [_whole(part) for part in every]
    if some:
        conditions.append(or_(*(_whole(part) for part in some)))
    if none is not None:
        # A comparison with NULL is neither true nor false; `not` wants whatever does not match.
        conditions.append(not_(func.coalesce(_whole(none), False)))
    return conditions


def _whole(conditions: _Conditions) -> Condition:
    return and_(true(), *conditions)


def _is_one_of(
    column: Column[Any], table: Table, conditions: Sequence[Condition], workspace_id: UUID
) -> Condition:
    return column.in_(
        select(table.c.id).where(table.c.workspace_id == workspace_id, *conditions).correlate(None)
    )


def _id(column: Column[Any], filter_: IdFilter | None) -> _Conditions:
    if filter_ is None:
        return []
    conditions: _Conditions = []
    if filter_.eq is not None:
        conditions.append(column == filter_.eq)
    if filter_.in_ is not None:
        conditions.append(column.in_(filter_.in_))
    if filter_.not_in is not None:
        conditions.append(or_(column.not_in(filter_.not_in), column.is_(None)))
    return conditions + _null(column, filter_.is_null)


def _text(column: Column[Any], filter_: StringFilter | None) -> _Conditions:
    if filter_ is None:
        return []
    conditions: _Conditions = []
    if filter_.eq is not None:
        conditions.append(column == filter_.eq)
    if filter_.in_ is not None:
        conditions.append(column.in_(filter_.in_))
    if filter_.contains is not None:
        conditions.append(column.icontains(filter_.contains, autoescape=True))
    if filter_.starts_with is not None:
        conditions.append(column.istartswith(filter_.starts_with, autoescape=True))
    return conditions


def _time(column: Column[Any], filter_: TimeFilter | None) -> _Conditions:
    if filter_ is None:
        return []
    conditions: _Conditions = []
    if filter_.gte is not None:
        conditions.append(column >= filter_.gte)
    if filter_.lt is not None:
        conditions.append(column < filter_.lt)
    return conditions + _null(column, filter_.is_null)


def _null(column: Column[Any], is_null: bool | None) -> _Conditions:  # noqa: FBT001  tri-state
    if is_null is None:
        return []
    return [column.is_(None) if is_null else column.is_not(None)]


def _state(table: Table, filter_: StateFilter | None) -> _Conditions:
    if filter_ is None:
        return []
    conditions: _Conditions = []
    if filter_.types is not None:
        conditions.append(table.c.state_type.in_([type_.value for type_ in filter_.types]))
    if filter_.names is not None:
        conditions.append(table.c.state_name.in_(filter_.names))
    return conditions


def _tags(
    table: Table, tags: Table, owner: str, filter_: TagFilter | None, workspace_id: UUID
) -> _Conditions:
    if filter_ is None:
        return []

    def has(*wanted: str) -> Condition:
        return (
            select(tags.c.tag)
            .where(
                tags.c.workspace_id == workspace_id,
                tags.c[owner] == table.c.id,
                tags.c.tag.in_(wanted),
            )
            .correlate(table)
            .exists()
        )

    conditions = [has(tag) for tag in filter_.all_of or ()]
    if filter_.any_of is not None:
        conditions.append(has(*filter_.any_of))
    if filter_.none_of:
        conditions.append(not_(has(*filter_.none_of)))
    return conditions
