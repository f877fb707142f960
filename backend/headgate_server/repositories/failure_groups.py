"""Failure groups: failures put into them, read, changed, and the runs in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.failure_groups import (
    Failure,
    FailureGroup,
    FailureGroupStatus,
    GroupFilter,
)
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.repositories.flow_runs.rows import COLUMNS, to_flow_run
from headgate_server.repositories.statements import named_with, packed
from headgate_server.tables.failure_groups import failure_groups, failures
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import deployments
from headgate_server.tables.work_pools import work_queues

_JSON = JSONB()
_NIL = UUID(int=0)
_ENDED_BADLY = ("FAILED", "CRASHED")


@dataclass(frozen=True, slots=True)
class UngroupedFailure:
    """A failure that is in no group yet, with the state that the run ended in."""

    workspace_id: UUID
    flow_run_id: UUID
    sequence: int
    flow_id: UUID
    deployment_version_id: UUID | None
    failed_at: datetime
    state_name: str
    message: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupedFailures:
    """A group that failures were put into, and whether that made it or brought it back."""

    group: FailureGroup
    is_new: bool
    is_regressed: bool


async def take_failures(work: UnitOfWork, *, most: int) -> list[UngroupedFailure]:
    """Take failures that are in no group, the oldest first, of all workspaces."""
    statement = named_with("take_failures", details=_JSON)
    return [
        UngroupedFailure(
            workspace_id=row.workspace_id,
            flow_run_id=row.flow_run_id,
            sequence=row.sequence,
            flow_id=row.flow_id,
            deployment_version_id=row.deployment_version_id,
            failed_at=row.failed_at,
            state_name=row.name,
            message=row.message,
            details=row.details,
        )
        for row in await work.execute(statement, {"most": most})
    ]


async def put_failures(work: UnitOfWork, found: Sequence[Failure]) -> list[GroupedFailures]:
    """Put failures into their groups, in one statement; each group is written once."""
    statement = named_with(
        "group_failures", **{column.name: column.type for column in failure_groups.c}
    )
    records = packed([_record(failure) for failure in found])
    rows = await work.execute(statement, {"failures": records, "now": work.now})
    return [GroupedFailures(_group(row), row.is_new, row.is_regressed) for row in rows]


async def lock_group(work: UnitOfWork, *, id_: UUID) -> FailureGroup | None:
    """Return a group and keep others from changing it until the transaction ends."""
    statement = _own(work).where(failure_groups.c.id == id_).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return _group(row) if row is not None else None


async def set_status(work: UnitOfWork, *, id_: UUID, status: FailureGroupStatus) -> FailureGroup:
    """Change the status of a locked group as its actor, and raise its version.

    One that is resolved keeps which versions its flow's deployments run by then.
    """
    is_resolved = status is FailureGroupStatus.RESOLVED
    current = select(deployments.c.current_version_id).where(
        deployments.c.workspace_id == failure_groups.c.workspace_id,
        deployments.c.flow_id == failure_groups.c.flow_id,
        deployments.c.current_version_id.is_not(None),
    )
    statement = (
        update(failure_groups)
        .where(failure_groups.c.workspace_id == work.workspace_id, failure_groups.c.id == id_)
        .values(
            status=status.value,
            version=failure_groups.c.version + 1,
            resolved_at=work.now if is_resolved else None,
            resolved_versions=func.array(current.scalar_subquery()) if is_resolved else None,
            changed_by_kind=work.actor.kind.value,
            changed_by_id=work.actor.id,
            changed_by_name=work.actor.display_name,
            updated_at=work.now,
        )
        .returning(failure_groups)
    )
    return _group((await work.execute(statement)).one())


async def get_many(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, FailureGroup]:
    """Return those of the groups that exist, by id."""
    rows = await work.execute(_own(work).where(failure_groups.c.id.in_(ids_)))
    return {row.id: _group(row) for row in rows}


async def get_many_of_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> dict[UUID, FailureGroup]:
    """Return the group of each run's latest failure, by the run; absent where there is none."""
    statement = (
        _own(work)
        .add_columns(failures.c.flow_run_id)
        .join(failures, _is_of_group())
        .where(failures.c.flow_run_id.in_(run_ids))
        .order_by(failures.c.sequence)
    )
    return {row.flow_run_id: _group(row) for row in await work.execute(statement)}


async def list_groups(
    work: UnitOfWork, *, page: PageRequest, filter: GroupFilter
) -> Page[FailureGroup]:
    """Return a page of groups, the one seen last first."""
    columns = (failure_groups.c.last_seen_at, failure_groups.c.id)
    sort = pages.Sort(columns=columns, is_descending=True)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_group)


async def count_groups(work: UnitOfWork, *, filter: GroupFilter, cap: int) -> int:
    """Return how many groups match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


async def list_runs(work: UnitOfWork, *, group_id: UUID, page: PageRequest) -> Page[FlowRun]:
    """Return a page of the runs that failed so, the one made last first."""
    sort = pages.Sort(columns=(failures.c.flow_run_id,), is_descending=True)
    statement = _runs(work, group_id)
    return await pages.read(work, statement, sort=sort, page=page, make=to_flow_run)


async def count_runs(work: UnitOfWork, *, group_id: UUID, cap: int) -> int:
    """Return how many kept runs failed so, up to ``cap + 1``."""
    return await pages.count(work, _runs(work, group_id), cap=cap)


@dataclass(frozen=True, slots=True)
class Failed:
    """A run whose last state is a failure of a group, and its deployment's version as of now.

    ``version_id`` is nil where there is no deployment any more.
    """

    run_id: UUID
    version_id: UUID


async def list_failed(work: UnitOfWork, *, group_id: UUID, most: int) -> list[Failed]:
    """Return the runs whose last state is a failure of the group, the one made first first.

    Those that nothing can start again, for their deployment or queue is gone, come last: they keep
    no other from its turn. Those that were refused are left out until their deployment has another
    version than then.
    """
    place = work_queues.c.workspace_id == flow_runs.c.workspace_id
    has_queue = select(work_queues.c.id).where(place, work_queues.c.id == flow_runs.c.work_queue_id)
    version_id = _version_id()
    statement = (
        _standing(work, group_id, flow_runs.c.id, version_id.label("version_id"))
        .where(failures.c.refused_version_id.is_distinct_from(version_id))
        .order_by(and_(deployments.c.id.is_not(None), has_queue.exists()).desc(), flow_runs.c.id)
        .limit(most)
    )
    return [Failed(row.id, row.version_id) for row in await work.execute(statement)]


async def count_refused(work: UnitOfWork, *, group_id: UUID, cap: int) -> int:
    """Return how many of those runs are left out, up to ``cap``."""
    statement = (
        _standing(work, group_id, flow_runs.c.id)
        .where(failures.c.refused_version_id == _version_id())
        .limit(cap)
    )
    counted = await work.execute(select(func.count()).select_from(statement.subquery()))
    return int(counted.scalar_one())


async def mark_refused(work: UnitOfWork, found: Sequence[Failed]) -> None:
    """Note of which version of their deployments runs were refused a new start."""
    by_version: dict[UUID, list[UUID]] = {}
    for one in found:
        by_version.setdefault(one.version_id, []).append(one.run_id)
    for version_id, run_ids in by_version.items():
        await work.execute(
            update(failures)
            .where(
                failures.c.workspace_id == work.workspace_id,
                failures.c.flow_run_id.in_(run_ids),
                failures.c.sequence == flow_runs.c.state_sequence,
                flow_runs.c.workspace_id == failures.c.workspace_id,
                flow_runs.c.id == failures.c.flow_run_id,
            )
            .values(refused_version_id=version_id)
        )


def _version_id() -> ColumnElement[UUID]:
    """Return the current version of a run's deployment; nil where that is gone."""
    return func.coalesce(deployments.c.current_version_id, _NIL)


def _standing(work: UnitOfWork, group_id: UUID, *columns: Any) -> Select[Any]:
    """Select of the runs whose last state is a failure of a group."""
    found = cast("Select[Any]", select(*columns))
    return (
        found.join(
            failures,
            and_(
                failures.c.workspace_id == flow_runs.c.workspace_id,
                failures.c.flow_run_id == flow_runs.c.id,
                failures.c.sequence == flow_runs.c.state_sequence,
            ),
        )
        .outerjoin(
            deployments,
            and_(
                deployments.c.workspace_id == flow_runs.c.workspace_id,
                deployments.c.id == flow_runs.c.deployment_id,
            ),
        )
        .where(
            failures.c.workspace_id == work.workspace_id,
            failures.c.group_id == group_id,
            flow_runs.c.state_type.in_(_ENDED_BADLY),
        )
    )


def _is_of_group() -> Any:
    return and_(
        failures.c.workspace_id == failure_groups.c.workspace_id,
        failures.c.group_id == failure_groups.c.id,
    )


def _own(work: UnitOfWork) -> Select[Any]:
    return select(failure_groups).where(failure_groups.c.workspace_id == work.workspace_id)


def _matching(work: UnitOfWork, filter: GroupFilter) -> Select[Any]:
    statement = _own(work)
    if filter.flow_id is not None:
        statement = statement.where(failure_groups.c.flow_id == filter.flow_id)
    if filter.statuses is not None:
        wanted = [status.value for status in filter.statuses]
        statement = statement.where(failure_groups.c.status.in_(wanted))
    for word in filter.words:
        frames = func.array_to_string(failure_groups.c.frames, "\n")
        within = (failure_groups.c.exception_type, failure_groups.c.message, frames)
        statement = statement.where(
            or_(*(part.icontains(word, autoescape=True) for part in within))
        )
    return statement


def _runs(work: UnitOfWork, group_id: UUID) -> Select[Any]:
    """Select the runs of a group, each once: by the last failure that it has in the group.

    They are found and ordered by the group's index: of many runs, only those of the page are read.
    """
    own = failures.alias("own")
    last = (
        select(func.max(own.c.sequence))
        .where(
            own.c.workspace_id == failures.c.workspace_id,
            own.c.flow_run_id == failures.c.flow_run_id,
            own.c.group_id == failures.c.group_id,
        )
        .scalar_subquery()
    )
    return (
        select(*COLUMNS)
        .join(
            failures,
            and_(
                failures.c.workspace_id == flow_runs.c.workspace_id,
                failures.c.flow_run_id == flow_runs.c.id,
            ),
        )
        .where(
            failures.c.workspace_id == work.workspace_id,
            failures.c.group_id == group_id,
            failures.c.sequence == last,
        )
    )


def _record(failure: Failure) -> dict[str, Any]:
    print_ = failure.fingerprint
    return {
        "workspace_id": failure.workspace_id,
        "flow_run_id": failure.flow_run_id,
        "sequence": failure.sequence,
        "flow_id": failure.flow_id,
        "group_id": ids.new_id(),
        "deployment_version_id": failure.deployment_version_id,
        "failed_at": failure.failed_at,
        "fingerprint": print_.key,
        "exception_type": print_.exception_type,
        "message": print_.message,
        "frames": print_.frames,
    }


def _group(row: Row[Any]) -> FailureGroup:
    kind = row.changed_by_kind
    return FailureGroup(
        workspace_id=row.workspace_id,
        id=row.id,
        flow_id=row.flow_id,
        fingerprint=row.fingerprint,
        exception_type=row.exception_type,
        message=row.message,
        frames=tuple(row.frames),
        status=FailureGroupStatus(row.status),
        version=row.version,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        failure_count=row.failure_count,
        run_count=row.run_count,
        regression_count=row.regression_count,
        first_version_id=row.first_version_id,
        last_version_id=row.last_version_id,
        resolved_at=row.resolved_at,
        regressed_at=row.regressed_at,
        changed_by=(
            Actor(ActorKind(kind), row.changed_by_id, row.changed_by_name) if kind else None
        ),
        updated_at=row.updated_at,
    )
