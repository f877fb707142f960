"""Versions of deployments: inserted, read, and the oldest of many deleted."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.deployment_versions import DeploymentVersion
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.tables.deployment_versions import deployment_versions as versions
from headgate_server.tables.flows import deployments

_LATER = versions.alias("later")


async def insert_version(
    work: UnitOfWork,
    *,
    id_: UUID,
    deployment_id: UUID,
    replaced_id: UUID | None,
    label: str | None,
    git: dict[str, Any] | None,
    content: dict[str, Any],
) -> int:
    """Store the next version of a locked deployment and return its number, from 1 on."""
    latest = select(func.coalesce(func.max(versions.c.number), 0) + 1).where(
        versions.c.workspace_id == work.workspace_id, versions.c.deployment_id == deployment_id
    )
    replaced = select(versions.c.number).where(
        versions.c.workspace_id == work.workspace_id, versions.c.id == replaced_id
    )
    statement = (
        insert(versions)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            deployment_id=deployment_id,
            number=latest.scalar_subquery(),
            replaced_number=replaced.scalar_subquery(),
            label=label,
            git=git,
            content=content,
            created_by_kind=work.actor.kind.value,
            created_by_id=work.actor.id,
            created_by_name=work.actor.display_name,
            created_at=work.now,
        )
        .returning(versions.c.number)
    )
    return int((await work.execute(statement)).scalar_one())


async def keep_named(work: UnitOfWork, *, id_: UUID, named: dict[str, list[str] | None]) -> None:
    """Store what the runs of a version may read and start, as another comes into its place."""
    await work.execute(
        update(versions)
        .where(versions.c.workspace_id == work.workspace_id, versions.c.id == id_)
        .values(named=named)
    )


async def note_replaced(work: UnitOfWork, *, id_: UUID, replaced_id: UUID) -> None:
    """Store which version another replaces that is made current again."""
    replaced = versions.alias("replaced")
    await work.execute(
        update(versions)
        .where(
            versions.c.workspace_id == work.workspace_id,
            versions.c.id == id_,
            replaced.c.workspace_id == work.workspace_id,
            replaced.c.id == replaced_id,
            replaced.c.number != versions.c.number,
        )
        .values(replaced_number=replaced.c.number)
    )


async def forget_replaced(work: UnitOfWork, *, deployment_id: UUID, replaced_id: UUID) -> None:
    """Let no version of a deployment lead back to one that was rolled back."""
    replaced = select(versions.c.number).where(
        versions.c.workspace_id == work.workspace_id, versions.c.id == replaced_id
    )
    await work.execute(
        update(versions)
        .where(
            versions.c.workspace_id == work.workspace_id,
            versions.c.deployment_id == deployment_id,
            versions.c.replaced_number == replaced.scalar_subquery(),
        )
        .values(replaced_number=None)
    )


async def delete_before(work: UnitOfWork, *, deployment_id: UUID, number: int) -> None:
    """Delete a deployment's versions below a number, but for the current and what it replaced."""
    current = select(deployments.c.current_version_id).where(
        deployments.c.workspace_id == work.workspace_id, deployments.c.id == deployment_id
    )
    newest = versions.alias("newest")
    replaced = select(newest.c.replaced_number).where(
        newest.c.workspace_id == work.workspace_id, newest.c.id == current.scalar_subquery()
    )
    await work.execute(
        delete(versions).where(
            versions.c.workspace_id == work.workspace_id,
            versions.c.deployment_id == deployment_id,
            versions.c.number < number,
            versions.c.id.is_distinct_from(current.scalar_subquery()),
            versions.c.number.is_distinct_from(replaced.scalar_subquery()),
        )
    )


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, DeploymentVersion]:
    """Return those of the versions that exist, by id."""
    rows = await work.execute(_own(work).where(versions.c.id.in_(ids)))
    return {row.id: _version(row) for row in rows}


async def get_many_before(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, DeploymentVersion]:
    """Return, by the id of each version, the one of its deployment that was made before it."""
    return await _get_many_up_to(work, ids, _LATER.c.number - 1)


async def get_replaced(work: UnitOfWork, id_: UUID) -> DeploymentVersion | None:
    """Return the version that another replaced, or the nearest before that is kept."""
    highest = func.coalesce(_LATER.c.replaced_number, _LATER.c.number - 1)
    return (await _get_many_up_to(work, [id_], highest)).get(id_)


async def _get_many_up_to(
    work: UnitOfWork, ids: Sequence[UUID], highest: ColumnElement[int]
) -> dict[UUID, DeploymentVersion]:
    later = _LATER
    earlier = versions.alias("earlier")
    nearest = (
        select(func.max(earlier.c.number))
        .where(
            earlier.c.workspace_id == later.c.workspace_id,
            earlier.c.deployment_id == later.c.deployment_id,
            earlier.c.number <= highest,
            earlier.c.number != later.c.number,
        )
        .scalar_subquery()
    )
    statement = (
        _own(work)
        .add_columns(later.c.id.label("later_id"))
        .join(
            later,
            and_(
                later.c.workspace_id == versions.c.workspace_id,
                later.c.deployment_id == versions.c.deployment_id,
                versions.c.number == nearest,
            ),
        )
        .where(later.c.id.in_(ids))
    )
    return {row.later_id: _version(row) for row in await work.execute(statement)}


async def list_versions(
    work: UnitOfWork, *, deployment_id: UUID, page: PageRequest
) -> Page[DeploymentVersion]:
    """Return a page of a deployment's versions, the newest first."""
    sort = pages.Sort(columns=(versions.c.number,), is_descending=True)
    return await pages.read(work, _of(work, deployment_id), sort=sort, page=page, make=_version)


async def count_versions(work: UnitOfWork, *, deployment_id: UUID, cap: int) -> int:
    """Return how many versions a deployment has, up to ``cap + 1``."""
    return await pages.count(work, _of(work, deployment_id), cap=cap)


def _own(work: UnitOfWork) -> Select[Any]:
    is_current = versions.c.id.is_not_distinct_from(deployments.c.current_version_id)
    return (
        select(versions, is_current.label("is_current"))
        .join(
            deployments,
            and_(
                deployments.c.workspace_id == versions.c.workspace_id,
                deployments.c.id == versions.c.deployment_id,
            ),
        )
        .where(versions.c.workspace_id == work.workspace_id)
    )


def _of(work: UnitOfWork, deployment_id: UUID) -> Select[Any]:
    return _own(work).where(versions.c.deployment_id == deployment_id)


def _version(row: Row[Any]) -> DeploymentVersion:
    return DeploymentVersion(
        workspace_id=row.workspace_id,
        id=row.id,
        deployment_id=row.deployment_id,
        number=row.number,
        label=row.label,
        git=row.git,
        content=row.content,
        created_by=Actor(ActorKind(row.created_by_kind), row.created_by_id, row.created_by_name),
        created_at=row.created_at,
        is_current=row.is_current,
    )
