"""SQL of artifacts: their rows, and which is the latest of each key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, delete, exists, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.artifacts import Artifact, ArtifactType, NewArtifact, size_of
from headgate_server.domain.filters import ArtifactFilter
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.repositories import filters, pages
from headgate_server.tables.artifacts import artifact_keys, artifacts
from headgate_server.tables.flow_runs import flow_runs

_NARROW = tuple(column for column in artifacts.c if column.name != "data")


async def insert_artifact(
    work: UnitOfWork, new: NewArtifact, *, created_at: datetime
) -> Artifact | None:
    """Store an artifact; None when the workspace has one of this id."""
    statement = (
        insert(artifacts)
        .values(
            workspace_id=work.workspace_id,
            id=new.id,
            key=new.key,
            type=new.type.value,
            description=new.description,
            data=new.data,
            metadata=dict(new.metadata or {}),
            flow_run_id=new.flow_run_id,
            task_run_id=new.task_run_id,
            size_bytes=size_of(new.data),
            created_at=created_at,
            updated_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "id"])
        .returning(*_NARROW)
    )
    row = (await work.execute(statement)).one_or_none()
    return _artifact(row) if row is not None else None


async def mark_latest(work: UnitOfWork, artifact: Artifact) -> None:
    """Make a keyed artifact the latest of its key, unless there is a later one."""
    statement = insert(artifact_keys).values(
        workspace_id=work.workspace_id,
        key=artifact.key,
        artifact_id=artifact.id,
        created_at=artifact.created_at,
    )
    is_earlier = tuple_(artifact_keys.c.created_at, artifact_keys.c.artifact_id) < tuple_(
        statement.excluded.created_at, statement.excluded.artifact_id
    )
    await work.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "key"],
            set_={
                "artifact_id": statement.excluded.artifact_id,
                "created_at": statement.excluded.created_at,
            },
            where=is_earlier,
        )
    )


async def lock_artifact(work: UnitOfWork, *, id_: UUID) -> Artifact | None:
    """Return an artifact that others cannot change until the end."""
    statement = _own(work).where(artifacts.c.id == id_).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return _artifact(row) if row is not None else None


async def update_artifact(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> Artifact:
    """Write some columns of a locked artifact and raise its version."""
    if "data" in changes:
        changes = {**changes, "size_bytes": size_of(changes["data"])}
    statement = (
        update(artifacts)
        .where(artifacts.c.workspace_id == work.workspace_id, artifacts.c.id == id_)
        .values(**changes, version=artifacts.c.version + 1, updated_at=work.now)
        .returning(*_NARROW)
    )
    return _artifact((await work.execute(statement)).one())


async def delete_artifact(work: UnitOfWork, artifact: Artifact) -> None:
    """Delete a locked artifact; of its key the one before it is the latest then."""
    await _delete(work, artifacts.c.id == artifact.id)


async def delete_of_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> None:
    """Delete all artifacts of runs; of their keys the latest of other runs are the latest then."""
    await _delete(work, artifacts.c.flow_run_id.in_(run_ids))


async def delete_stale(work: UnitOfWork, run_ids: Sequence[UUID], *, most: int) -> int:
    """Delete artifacts of runs that are the latest of no key, and return how many."""
    return await _delete_some(work, artifacts.c.flow_run_id.in_(run_ids), most=most)


async def delete_forgotten(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete artifacts from before a time whose run is gone, but for the latest of each key."""
    has_run = exists().where(
        flow_runs.c.workspace_id == artifacts.c.workspace_id,
        flow_runs.c.id == artifacts.c.flow_run_id,
    )
    return await _delete_some(work, artifacts.c.created_at < before, ~has_run, most=most)


async def get_many_artifacts(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Artifact]:
    """Return those of the artifacts that exist, by id."""
    rows = await work.execute(_own(work).where(artifacts.c.id.in_(ids)))
    return {row.id: _artifact(row) for row in rows}


async def get_many_data(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Return the data of those of the artifacts that exist, by id."""
    rows = await work.execute(
        select(artifacts.c.id, artifacts.c.data).where(
            artifacts.c.workspace_id == work.workspace_id, artifacts.c.id.in_(ids)
        )
    )
    return {row.id: row.data for row in rows}


async def list_artifacts(
    work: UnitOfWork, *, page: PageRequest, filter: ArtifactFilter | None
) -> Page[Artifact]:
    """Return a page of artifacts, the newest first."""
    sort = pages.Sort((artifacts.c.created_at, artifacts.c.id), is_descending=True)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_artifact)


async def count_artifacts(work: UnitOfWork, *, filter: ArtifactFilter | None, cap: int) -> int:
    """Return how many artifacts match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


async def _delete(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    gone = await work.execute(
        delete(artifacts)
        .where(artifacts.c.workspace_id == work.workspace_id, condition)
        .returning(artifacts.c.key)
    )
    keys = {key for key in gone.scalars() if key is not None}
    if not keys:
        return
    latest = (
        select(artifacts.c.workspace_id, artifacts.c.key, artifacts.c.id, artifacts.c.created_at)
        .ext(distinct_on(artifacts.c.key))
        .where(artifacts.c.workspace_id == work.workspace_id, artifacts.c.key.in_(keys))
        .order_by(artifacts.c.key, artifacts.c.created_at.desc(), artifacts.c.id.desc())
    )
    columns = ["workspace_id", "key", "artifact_id", "created_at"]
    # A key whose latest is still there keeps it.
    await work.execute(insert(artifact_keys).from_select(columns, latest).on_conflict_do_nothing())


async def _delete_some(work: UnitOfWork, *conditions: ColumnElement[bool], most: int) -> int:
    is_latest = exists().where(
        artifact_keys.c.workspace_id == artifacts.c.workspace_id,
        artifact_keys.c.artifact_id == artifacts.c.id,
    )
    some = (
        select(artifacts.c.id)
        .where(artifacts.c.workspace_id == work.workspace_id, *conditions, ~is_latest)
        .limit(most)
    )
    result = await work.execute(
        delete(artifacts).where(
            artifacts.c.workspace_id == work.workspace_id, artifacts.c.id.in_(some)
        )
    )
    return result.rowcount


def _own(work: UnitOfWork) -> Select[Any]:
    return select(*_NARROW).where(artifacts.c.workspace_id == work.workspace_id)


def _matching(work: UnitOfWork, filter: ArtifactFilter | None) -> Select[Any]:
    return _own(work).where(*filters.artifacts(filter, workspace_id=work.workspace_id))


def _artifact(row: Row[Any]) -> Artifact:
    return Artifact(
        workspace_id=row.workspace_id,
        id=row.id,
        key=row.key,
        type=ArtifactType(row.type),
        description=row.description,
        metadata=row.metadata,
        flow_run_id=row.flow_run_id,
        task_run_id=row.task_run_id,
        size_bytes=row.size_bytes,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
