"""Assets: materialized by runs, described by people, read with their lineage, and deleted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.assets import (
    Asset,
    AssetProperties,
    Materialization,
    MaterializationReport,
    check_asset_key,
    check_freshness,
    check_properties,
    check_report,
)
from headgate_server.domain.changes import check_version
from headgate_server.domain.errors import NotFound, Unavailable
from headgate_server.domain.events import NewEvent
from headgate_server.domain.filters import AssetFilter
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import assets as repository
from headgate_server.services.events import record_change, record_events
from headgate_server.services.run_places import RunPlace, find_place

get_many_assets = repository.get_many_assets
get_many_upstream = repository.get_many_upstream
get_many_downstream = repository.get_many_downstream
list_materializations = repository.list_materializations


async def materialize_assets(
    work: UnitOfWork, report: MaterializationReport, *, grant: RunGrant | None
) -> list[Asset]:
    """Store that a task has, or has not, produced assets; sent again it changes nothing.

    Assets that nobody knew are made, those upstream as well, and edges lead from each of them.

    Args:
        work: the unit of work.
        report: what was produced, and from what.
        grant: the run token shown; None for an actor with the right to report of any run.

    Returns:
        The assets that were reported, in that order.

    Raises:
        InvalidInput: a bad key, text or number of assets.
        Forbidden: a run's token, for another run.
        LeaseLost: a run's token whose lease is lost.
        NotFound: no such run or task run.
    """
    check_report(report)
    place = await find_place(work, RunPlace(report.flow_run_id, report.task_run_id), grant=grant)
    placed = replace(report, flow_run_id=place.flow_run_id)
    keys = [one.key for one in report.materialized]
    known = await repository.ensure_assets(work, [*keys, *report.upstream])
    made = await repository.insert_materializations(work, placed, asset_ids=known)
    if report.is_success:
        await repository.mark_materialized(work, made)
    await repository.insert_edges(
        work,
        upstream=[known[key] for key in report.upstream],
        downstream=[known[key] for key in keys],
    )
    for one in sorted(report.materialized, key=lambda each: known[each.key]):
        await repository.update_properties(work, id_=known[one.key], properties=one.properties)
    found = await repository.get_many_assets(work, [known[key] for key in keys])
    await record_events(work, [_event(one, found[one.asset_id], place) for one in made])
    return [found[known[key]] for key in keys]


async def upsert_asset(
    work: UnitOfWork,
    *,
    key: str,
    properties: AssetProperties,
    fresh_for: timedelta | UnsetType | None = UNSET,
    expected_version: int | None = None,
) -> Asset:
    """Make an asset, or change what is said of it; what is not said stays.

    Args:
        work: the unit of work.
        key: the address where it lies.
        properties: name, description, owners and address for people.
        fresh_for: how long it stays fresh after it was materialized; None for ever.
        expected_version: refuses the change if the asset has another one.

    Raises:
        InvalidInput: a bad key, text or length of time.
        NotFound: a version is expected of an asset that does not exist.
        VersionConflict: it is not of the expected version.
    """
    check_asset_key(key)
    check_properties(properties)
    changes = _changes(properties, fresh_for)
    current = await repository.lock_asset(work, key=key)
    if current is None and expected_version is not None:
        raise NotFound
    is_new = current is None
    current = current or await _make(work, key)
    check_version(current.version, expected=expected_version)
    differing = {name: one for name, one in changes.items() if _said(current, name) != one}
    if not differing and not is_new:
        return current
    changed = current
    if differing:
        changed = await repository.update_asset(work, id_=current.id, changes=differing)
    await record_change(
        work,
        kind=ids.Kind.ASSET,
        id_=changed.id,
        name=changed.key,
        version=changed.version,
        changed=None if is_new else list(differing),
        before=None if is_new else current,
        after=changed,
    )
    return changed


async def delete_asset(work: UnitOfWork, *, id_: UUID, expected_version: int | None = None) -> None:
    """Delete an asset with its history and the edges to others; the data stay where they are.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await repository.lock_asset(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    await repository.delete_asset(work, id_=id_)
    await record_change(
        work,
        kind=ids.Kind.ASSET,
        id_=current.id,
        name=current.key,
        version=current.version,
        changed=None,
        verb="deleted",
        before=current,
    )


async def find_by_key(work: UnitOfWork, *, key: str) -> Asset | None:
    """Return the asset of a key."""
    return await repository.find_by_key(work, key=key)


async def list_assets(
    work: UnitOfWork, *, page: PageRequest, filter: AssetFilter | None = None
) -> Page[Asset]:
    """Return a page of assets by key: the page key is ``(key, id)``."""
    return await repository.list_assets(work, page=page, filter=filter)


async def count_assets(
    work: UnitOfWork, *, filter: AssetFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many assets match; ``cap + 1`` stands for more than ``cap``."""
    return await repository.count_assets(work, filter=filter, cap=cap)


async def count_materializations(work: UnitOfWork, *, asset_id: UUID, cap: int = COUNT_CAP) -> int:
    """Return how many materializations of an asset are kept."""
    return await repository.count_materializations(work, asset_id=asset_id, cap=cap)


async def _make(work: UnitOfWork, key: str) -> Asset:
    await repository.ensure_assets(work, [key])
    made = await repository.lock_asset(work, key=key)
    if made is None:
        raise Unavailable
    return made


def _changes(
    properties: AssetProperties, fresh_for: timedelta | UnsetType | None
) -> dict[str, Any]:
    said = {
        name: value
        for name in ("name", "description", "owners", "url")
        if (value := getattr(properties, name)) is not None
    }
    if not isinstance(fresh_for, UnsetType):
        checked = check_freshness(fresh_for)
        said["fresh_seconds"] = None if checked is None else int(checked.total_seconds())
    return said


def _said(asset: Asset, name: str) -> Any:
    if name == "fresh_seconds":
        return None if asset.fresh_for is None else int(asset.fresh_for.total_seconds())
    return getattr(asset, name)


def _event(made: Materialization, asset: Asset, place: RunPlace) -> NewEvent:
    shown = ids.show(ids.Kind.ASSET, asset.id)
    return NewEvent(
        name="asset.materialized" if made.is_success else "asset.materialization_failed",
        resource_id=shown,
        resource={"id": shown, "kind": "asset", "name": asset.key},
        payload={"by": made.made_by},
        related=place.related(),
    )
