"""What lists can be narrowed by: comparators, and a filter per object with ``and/or/not``.

A comparator's conditions all hold; a filter's fields all hold, together with every filter in
``and_``, at least one in ``or_`` (when there is any), and not the one in ``not_``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypeVar, cast
from uuid import UUID

from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.states import StateType

MAX_LEVELS = 3
MAX_LEAVES = 50
MAX_VALUES = 250
MAX_TEXT_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class IdFilter:
    """Compares an id; an empty ``in_`` matches nothing."""

    eq: UUID | None = None
    in_: tuple[UUID, ...] | None = None
    not_in: tuple[UUID, ...] | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class StringFilter:
    """Compares text; ``contains`` and ``starts_with`` ignore case."""

    eq: str | None = None
    in_: tuple[str, ...] | None = None
    contains: str | None = None
    starts_with: str | None = None


@dataclass(frozen=True, slots=True)
class TimeFilter:
    """Compares a time: from ``gte`` on, before ``lt``."""

    gte: datetime | None = None
    lt: datetime | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Compares tags: has all, has any, has none of these. An empty ``any_of`` matches nothing."""

    all_of: tuple[str, ...] | None = None
    any_of: tuple[str, ...] | None = None
    none_of: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StateFilter:
    """Compares the current state: one of the types and one of the names."""

    types: tuple[StateType, ...] | None = None
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class NameFilter:
    """Narrows a list of named, tagged objects."""

    name: StringFilter | None = None
    tags: TagFilter | None = None


@dataclass(frozen=True, slots=True)
class WorkspaceFilter:
    """Narrows a list of workspaces."""

    slug: StringFilter | None = None
    name: StringFilter | None = None


@dataclass(frozen=True, slots=True)
class FlowFilter:
    """Narrows a list of flows, or of what belongs to flows."""

    id: IdFilter | None = None
    name: StringFilter | None = None
    tags: TagFilter | None = None
    and_: tuple["FlowFilter", ...] = ()
    or_: tuple["FlowFilter", ...] = ()
    not_: "FlowFilter | None" = None


@dataclass(frozen=True, slots=True)
class DeploymentFilter:
    """Narrows a list of deployments, or of their runs."""

    id: IdFilter | None = None
    name: StringFilter | None = None
    is_paused: bool | None = None
    flow: FlowFilter | None = None
    tags: TagFilter | None = None
    and_: tuple["DeploymentFilter", ...] = ()
    or_: tuple["DeploymentFilter", ...] = ()
    not_: "DeploymentFilter | None" = None


@dataclass(frozen=True, slots=True)
class FlowRunFilter:
    """Narrows a list of flow runs."""

    id: IdFilter | None = None
    name: StringFilter | None = None
    state: StateFilter | None = None
    tags: TagFilter | None = None
    expected_start: TimeFilter | None = None
    started_at: TimeFilter | None = None
    ended_at: TimeFilter | None = None
    flow: FlowFilter | None = None
    deployment: DeploymentFilter | None = None
    work_pool_id: IdFilter | None = None
    work_queue_id: IdFilter | None = None
    parent_task_run_id: IdFilter | None = None
    and_: tuple["FlowRunFilter", ...] = ()
    or_: tuple["FlowRunFilter", ...] = ()
    not_: "FlowRunFilter | None" = None


@dataclass(frozen=True, slots=True)
class TaskRunFilter:
    """Narrows a list of task runs."""

    id: IdFilter | None = None
    name: StringFilter | None = None
    state: StateFilter | None = None
    flow_run_id: IdFilter | None = None
    and_: tuple["TaskRunFilter", ...] = ()
    or_: tuple["TaskRunFilter", ...] = ()
    not_: "TaskRunFilter | None" = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Narrows a list of events."""

    occurred: TimeFilter | None = None
    name: StringFilter | None = None
    resource_id: StringFilter | None = None


@dataclass(frozen=True, slots=True)
class ArtifactFilter:
    """Narrows a list of artifacts, to the latest of each key for instance."""

    key: StringFilter | None = None
    type: StringFilter | None = None
    is_latest: bool | None = None
    flow_run_id: IdFilter | None = None
    task_run_id: IdFilter | None = None


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Narrows a list of assets."""

    key: StringFilter | None = None
    name: StringFilter | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Narrows a list of audit entries."""

    at: TimeFilter | None = None
    actor_id: IdFilter | None = None
    action: StringFilter | None = None
    target_id: IdFilter | None = None
    workspace_id: IdFilter | None = None


Comparator = IdFilter | StringFilter | TimeFilter | TagFilter | StateFilter
Filter = (
    NameFilter
    | WorkspaceFilter
    | FlowFilter
    | DeploymentFilter
    | FlowRunFilter
    | TaskRunFilter
    | EventFilter
    | ArtifactFilter
    | AssetFilter
    | AuditFilter
)
F = TypeVar("F", bound=Filter)


def check_filter(filter_: F) -> F:
    """Return a filter within the limits: 3 levels, 50 conditions, 250 values in a list.

    Each filter inside another, by ``and/or/not`` or by relation, is one level more.

    Raises:
        InvalidInput: it is deeper, wider or longer than that, or a text cannot be stored.
    """
    for number, leaf in enumerate(_leaves(filter_, level=1), start=1):
        if number > MAX_LEAVES:
            raise InvalidInput(
                f"A filter has at most {MAX_LEAVES} conditions; split the query.", path=["filter"]
            )
        _check_leaf(leaf)
    return filter_


def _leaves(filter_: Filter, *, level: int) -> Iterator[object]:
    if level > MAX_LEVELS:
        raise InvalidInput(
            f"A filter nests at most {MAX_LEVELS} levels; flatten it.", path=["filter"]
        )
    for field in fields(filter_):
        value = getattr(filter_, field.name)
        if value is None:
            continue
        if isinstance(value, Comparator):
            yield from _conditions(value)
        elif isinstance(value, Filter):
            yield from _leaves(value, level=level + 1)
        elif field.name in {"and_", "or_"}:
            for part in value:
                yield from _leaves(part, level=level + 1)
        else:
            yield value


def _conditions(comparator: Comparator) -> Iterator[object]:
    for field in fields(comparator):
        value = getattr(comparator, field.name)
        if value is not None:
            yield value


def _check_leaf(leaf: object) -> None:
    values = cast("tuple[object, ...]", leaf) if isinstance(leaf, tuple) else (leaf,)
    if len(values) > MAX_VALUES:
        raise InvalidInput(
            f"A list in a filter holds at most {MAX_VALUES} values; split the query.",
            path=["filter"],
        )
    for value in values:
        if isinstance(value, str) and (len(value) > MAX_TEXT_LENGTH or not is_storable(value)):
            raise InvalidInput(
                f"A text in a filter has at most {MAX_TEXT_LENGTH} characters, and none of them is "
                "NUL or half of a surrogate pair.",
                path=["filter"],
            )
