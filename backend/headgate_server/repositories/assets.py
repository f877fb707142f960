"""SQL of assets: their rows, their materializations, and the edges of their lineage."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.assets import (
    Asset,
    AssetProperties,
    Materialization,
    MaterializationReport,
)
from headgate_server.domain.filters import AssetFilter
from headgate_server.domain.pagination import Beginning, Page, PageRequest
from headgate_server.repositories import filters, pages
from headgate_server.tables.assets import asset_edges, asset_materializations, assets


async def ensure_assets(work: UnitOfWork, keys: Sequence[str]) -> dict[str, UUID]:
    """Make those of some assets that do not exist, and return the ids of all, by key.

    In the order of their keys, so that two reports never wait for each other.
    """
    ordered = sorted(set(keys))
    await work.execute(
        insert(assets)
        .values(
            [
                {
                    "workspace_id": work.workspace_id,
                    "id": ids.new_id(),
                    "key": key,
                    "created_at": work.now,
                    "updated_at": work.now,
                }
                for key in ordered
            ]
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "key"])
    )
    rows = await work.execute(
        select(assets.c.key, assets.c.id).where(
            assets.c.workspace_id == work.workspace_id, assets.c.key.in_(ordered)
        )
    )
    return {row.key: row.id for row in rows}


async def insert_materializations(
    work: UnitOfWork, report: MaterializationReport, *, asset_ids: dict[str, UUID]
) -> list[Materialization]:
    """Store what was materialized, and return those that were not stored before."""
    statement = (
        insert(asset_materializations)
        .values(
            [
                {
                    "workspace_id": work.workspace_id,
                    "id": one.id,
                    "asset_id": asset_ids[one.key],
                    "flow_run_id": report.flow_run_id,
                    "task_run_id": report.task_run_id,
                    "is_success": report.is_success,
                    "made_by": report.made_by,
                    "metadata": dict(one.metadata),
                    "made_at": min(ids.made_at(one.id) or work.now, work.now),
                }
                for one in report.materialized
            ]
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "id"])
        .returning(asset_materializations)
    )
    return [_materialization(row) for row in await work.execute(statement)]


async def mark_materialized(work: UnitOfWork, made: Sequence[Materialization]) -> None:
    """Let assets know when they were materialized last."""
    for one in sorted(made, key=lambda each: each.asset_id):
        await work.execute(
            update(assets)
            .where(assets.c.workspace_id == work.workspace_id, assets.c.id == one.asset_id)
            .values(materialized_at=func.greatest(assets.c.materialized_at, one.made_at))
        )


async def insert_edges(
    work: UnitOfWork, *, upstream: Sequence[UUID], downstream: Sequence[UUID]
) -> None:
    """Note that each of some assets is made from each of others."""
    pairs = sorted((down, up) for up in upstream for down in downstream)
    if not pairs:
        return
    statement = insert(asset_edges).values(
        [
            {
                "workspace_id": work.workspace_id,
                "downstream_id": down,
                "upstream_id": up,
                "seen_at": work.now,
            }
            for down, up in pairs
        ]
    )
    await work.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "downstream_id", "upstream_id"],
            set_={"seen_at": statement.excluded.seen_at},
        )
    )


async def update_properties(work: UnitOfWork, *, id_: UUID, properties: AssetProperties) -> None:
    """Write what was said of an asset; nothing changes where all of it is known."""
    said = {
        name: value
        for name in ("name", "description", "owners", "url")
        if (value := getattr(properties, name)) is not None
    }
    if not said:
        return
    current = (await get_many_assets(work, [id_])).get(id_)
    if current is not None and any(getattr(current, name) != value for name, value in said.items()):
        await update_asset(work, id_=id_, changes=said)


async def lock_asset(
    work: UnitOfWork, *, key: str | None = None, id_: UUID | None = None
) -> Asset | None:
    """Return an asset, by its key or its id, that others cannot change until the end."""
    condition = assets.c.key == key if id_ is None else assets.c.id == id_
    row = (await work.execute(_own(work).where(condition).with_for_update())).one_or_none()
    return _asset(row) if row is not None else None


async def update_asset(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> Asset:
    """Write some columns of an asset and raise its version."""
    if "owners" in changes:
        changes = {**changes, "owners": list(changes["owners"] or ())}
    statement = (
        update(assets)
        .where(assets.c.workspace_id == work.workspace_id, assets.c.id == id_)
        .values(**changes, version=assets.c.version + 1, updated_at=work.now)
        .returning(assets)
    )
    return _asset((await work.execute(statement)).one())


async def delete_asset(work: UnitOfWork, *, id_: UUID) -> None:
    """Delete an asset with its materializations and edges."""
    await work.execute(
        delete(assets).where(assets.c.workspace_id == work.workspace_id, assets.c.id == id_)
    )


async def delete_old(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete materializations from before a time, and return how many; the assets stay."""
    some = (
        select(asset_materializations.c.id)
        .where(
            asset_materializations.c.workspace_id == work.workspace_id,
            asset_materializations.c.made_at < before,
        )
        .limit(most)
    )
    result = await work.execute(
        delete(asset_materializations).where(
            asset_materializations.c.workspace_id == work.workspace_id,
            asset_materializations.c.id.in_(some),
        )
    )
    return result.rowcount


async def find_by_key(work: UnitOfWork, *, key: str) -> Asset | None:
    """Return the asset of a key."""
    row = (await work.execute(_own(work).where(assets.c.key == key))).one_or_none()
    return _asset(row) if row is not None else None


async def get_many_assets(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Asset]:
    """Return those of the assets that exist, by id."""
    rows = await work.execute(_own(work).where(assets.c.id.in_(ids_)))
    return {row.id: _asset(row) for row in rows}


async def get_many_upstream(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Beginning[Asset]]:
    """Return what each asset is made from, by key; one that is made from nothing is absent."""
    return await _neighbours(
        work, ids_, near=asset_edges.c.downstream_id, far=asset_edges.c.upstream_id
    )


async def get_many_downstream(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, Beginning[Asset]]:
    """Return what is made from each asset, by key; one that nothing is made from is absent."""
    return await _neighbours(
        work, ids_, near=asset_edges.c.upstream_id, far=asset_edges.c.downstream_id
    )


async def list_assets(
    work: UnitOfWork, *, page: PageRequest, filter: AssetFilter | None
) -> Page[Asset]:
    """Return a page of assets by key."""
    sort = pages.by(assets.c.key, assets.c.id)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_asset)


async def count_assets(work: UnitOfWork, *, filter: AssetFilter | None, cap: int) -> int:
    """Return how many assets match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


async def list_materializations(
    work: UnitOfWork, *, asset_id: UUID, page: PageRequest
) -> Page[Materialization]:
    """Return a page of an asset's materializations, the latest first."""
    own = asset_materializations.c
    sort = pages.Sort((own.made_at, own.id), is_descending=True)
    statement = _materializations(work, asset_id)
    return await pages.read(work, statement, sort=sort, page=page, make=_materialization)


async def count_materializations(work: UnitOfWork, *, asset_id: UUID, cap: int) -> int:
    """Return how many materializations of an asset are kept, up to ``cap + 1``."""
    return await pages.count(work, _materializations(work, asset_id), cap=cap)


async def _neighbours(
    work: UnitOfWork, ids_: Sequence[UUID], *, near: Column[Any], far: Column[Any]
) -> dict[UUID, Beginning[Asset]]:
    is_far = (assets.c.workspace_id == asset_edges.c.workspace_id) & (assets.c.id == far)

    def of(some: Sequence[UUID]) -> Select[Any]:
        return (
            select(assets)
            .join(asset_edges, is_far)
            .where(asset_edges.c.workspace_id == work.workspace_id, near.in_(some))
        )

    sort = pages.by(assets.c.key, assets.c.id)
    return await pages.read_beginnings(work, ids_, of, owner=near, sort=sort, make=_asset)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(assets).where(assets.c.workspace_id == work.workspace_id)


def _matching(work: UnitOfWork, filter: AssetFilter | None) -> Select[Any]:
    return _own(work).where(*filters.assets(filter))


def _materializations(work: UnitOfWork, asset_id: UUID) -> Select[Any]:
    return select(asset_materializations).where(
        asset_materializations.c.workspace_id == work.workspace_id,
        asset_materializations.c.asset_id == asset_id,
    )


def _asset(row: Row[Any]) -> Asset:
    fresh = row.fresh_seconds
    return Asset(
        workspace_id=row.workspace_id,
        id=row.id,
        key=row.key,
        name=row.name,
        description=row.description,
        owners=tuple(row.owners),
        url=row.url,
        fresh_for=None if fresh is None else timedelta(seconds=fresh),
        materialized_at=row.materialized_at,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _materialization(row: Row[Any]) -> Materialization:
    return Materialization(
        workspace_id=row.workspace_id,
        id=row.id,
        asset_id=row.asset_id,
        is_success=row.is_success,
        made_by=row.made_by,
        metadata=row.metadata,
        flow_run_id=row.flow_run_id,
        task_run_id=row.task_run_id,
        made_at=row.made_at,
    )
