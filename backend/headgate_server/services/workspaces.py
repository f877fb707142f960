"""Workspaces: create, change, find.

Whoever holds a credential for the whole organization holds the same scopes in a new workspace, so
its creator is its owner from the first moment.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import changed, check_version, given
from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import Conflict, NotFound
from headgate_server.domain.filters import WorkspaceFilter
from headgate_server.domain.organizations import check_slug
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.workspaces import Workspace, check_name, check_retention
from headgate_server.repositories import organizations, workspaces
from headgate_server.services import object_counts, quotas
from headgate_server.services.audit_entries.record import record_entry
from headgate_server.services.events import record_change


@dataclass(frozen=True, slots=True)
class RetentionChanges:
    """How many days to keep what: 1 to 3,650 each; what is UNSET keeps its value."""

    runs_kept_days: int | UnsetType = UNSET
    logs_kept_days: int | UnsetType = UNSET
    events_kept_days: int | UnsetType = UNSET


async def create_workspace(
    work: UnitOfWork, *, organization_id: UUID, slug: str, name: str
) -> Workspace:
    """Create a workspace in the caller's organization; it keeps no longer than a quota allows.

    Raises:
        InvalidInput: a bad slug or name.
        NotFound: the organization is another's, or does not exist.
        Conflict: the organization has a workspace of this slug.
        QuotaExceeded: the organization has as many as it may.
    """
    check_slug(slug)
    check_name(name)
    if await organizations.find_organization(work, id_=organization_id) is None:
        raise NotFound
    most = await quotas.most_kept_days(work, organization_id=organization_id)
    created = await workspaces.insert_workspace(
        work,
        organization_id=organization_id,
        id_=ids.new_id(),
        slug=slug,
        name=name,
        most_kept_days=most,
        is_stopped=await organizations.is_suspended(work, id_=organization_id),
    )
    if created is None:
        raise Conflict("A workspace with this slug exists in the organization.", path=["slug"])
    await object_counts.claim(work, QuotaKind.WORKSPACES, organization_id=organization_id)
    await record_entry(
        work,
        "created",
        kind=ids.Kind.WORKSPACE,
        id_=created.id,
        name=created.name,
        after=created,
        organization_id=organization_id,
    )
    return created


async def update_workspace(
    work: UnitOfWork,
    *,
    id_: UUID,
    slug: str | UnsetType = UNSET,
    name: str | UnsetType = UNSET,
    retention: RetentionChanges | None = None,
    expected_version: int | None = None,
) -> Workspace:
    """Change the workspace of a unit of work; its version rises only if something changed.

    A shorter retention takes effect within minutes; what it has deleted does not come back.

    Raises:
        InvalidInput: a bad slug, name or number of days.
        NotFound: it is in another organization, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: the organization has another workspace of this slug.
        QuotaExceeded: the organization may not keep anything that long.
    """
    if slug is not UNSET:
        check_slug(slug)
    if name is not UNSET:
        check_name(name)
    current = await workspaces.lock_workspace(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    names = {"slug": slug, "name": name}
    wanted = {key: value for key, value in names.items() if value is not UNSET}
    changes = changed(current, wanted | given(retention or RetentionChanges()))
    if not changes:
        return current
    after = replace(current, **changes)
    await _check_kept(work, after, longest=_longest(changes))
    updated = await workspaces.update_workspace(work, id_=id_, changes=changes)
    await record_change(
        work,
        kind=ids.Kind.WORKSPACE,
        id_=id_,
        name=updated.name,
        version=updated.version,
        changed=changes,
        before=current,
        after=updated,
    )
    return updated


async def _check_kept(work: UnitOfWork, after: Workspace, *, longest: int) -> None:
    check_retention(
        runs_days=after.runs_kept_days,
        logs_days=after.logs_kept_days,
        events_days=after.events_kept_days,
    )
    if longest:
        await quotas.check_kept_days(work, organization_id=after.organization_id, wanted=longest)


def _longest(changes: Mapping[str, Any]) -> int:
    """Return the longest that anything is newly kept, in days; 0 where no such time changes."""
    return max((days for name, days in changes.items() if name.endswith("_kept_days")), default=0)


async def is_own_workspace(work: UnitOfWork, workspace_id: UUID) -> bool:
    """Whether a workspace belongs to the organization of this unit of work."""
    return work.organization_id is not None and await workspaces.is_in_organization(
        work, organization_id=work.organization_id, id_=workspace_id
    )


find_places = workspaces.find_places


async def list_ids(work: UnitOfWork) -> list[UUID]:
    """Return the ids of all workspaces of the caller's organization, in order."""
    return await workspaces.list_ids(work)


async def find_workspace(work: UnitOfWork, *, id_: UUID) -> Workspace | None:
    """Return a workspace of the caller's organization."""
    return await workspaces.find_workspace(work, id_=id_)


async def get_workspace(work: UnitOfWork, *, id_: UUID) -> Workspace:
    """Return a workspace of the caller's organization.

    Raises:
        NotFound: it is in another organization, or does not exist.
    """
    found = await find_workspace(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def find_by_slug(work: UnitOfWork, *, organization_id: UUID, slug: str) -> Workspace | None:
    """Return the workspace of a slug."""
    if not is_storable(slug):
        return None
    return await workspaces.find_by_slug(work, organization_id=organization_id, slug=slug)


async def get_many_workspaces(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Workspace]:
    """Return those of the workspaces that are in the caller's organization, by id."""
    return await workspaces.get_many(work, ids_)


async def list_workspaces(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    page: PageRequest,
    filter: WorkspaceFilter | None = None,
    only: Collection[UUID] | None = None,
) -> Page[Workspace]:
    """Return a page of an organization's workspaces: the page key is ``(slug, id)``.

    Args:
        work: a unit of work of the organization.
        organization_id: whose.
        page: which part of the list.
        filter: only those that match.
        only: the workspaces that may be seen; None for all.
    """
    return await workspaces.list_workspaces(
        work, organization_id=organization_id, page=page, filter=filter, only=only
    )


async def count_workspaces(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    filter: WorkspaceFilter | None = None,
    only: Collection[UUID] | None = None,
    cap: int = COUNT_CAP,
) -> int:
    """Return how many workspaces match; ``cap + 1`` stands for more than ``cap``."""
    return await workspaces.count_workspaces(
        work, organization_id=organization_id, filter=filter, only=only, cap=cap
    )
