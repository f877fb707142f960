"""Closing workspaces and organizations: archive, delete, suspend, and sweep what is deleted.

What is deleted is closed in the same moment; its keys, and then its rows, go in the background.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.audit_entries import SWEPT
from headgate_server.domain.changes import check_version
from headgate_server.domain.errors import Conflict, NotFound
from headgate_server.domain.ids import Kind
from headgate_server.domain.organizations import Organization, check_reason
from headgate_server.domain.workspaces import Workspace
from headgate_server.repositories import closing, organizations, workspaces
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.schedules.hold import hold_schedules, release_schedules

ROWS_AT_ONCE = 2_000


@dataclass(slots=True)
class Sweep:
    """A deleted workspace or organization that is swept away, and at which table that is."""

    place: closing.Place
    id: UUID
    table: int = 0

    @property
    def workspace_id(self) -> UUID:
        """Return by what it has its turn."""
        return self.id


async def archive_workspace(
    work: UnitOfWork, *, id_: UUID, is_archived: bool, expected_version: int | None = None
) -> Workspace:
    """Archive a workspace, or open it again; asked twice it changes nothing more.

    An archived one can be read. Nothing starts there, and nothing is changed; what runs goes on.
    Its schedules stop where they are, and go on from there with their catch-up. One that is opened
    while its organization is suspended starts nothing until that is over.

    Raises:
        NotFound: it is another organization's, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    # The organization first, as whoever suspends it does: else each would wait for the other.
    assert work.organization_id is not None  # noqa: S101  whoever archives acts in one
    is_stopped = await organizations.is_suspended(work, id_=work.organization_id) or is_archived
    current = await _lock(work, id_, expected_version)
    if (current.archived_at is not None) is is_archived:
        return current
    archived_at = work.now if is_archived else None
    await closing.close_workspace(work, id_=id_, archived_at=archived_at, is_stopped=is_stopped)
    await _stop(work, [id_], is_stopped=is_stopped)
    await _record(work, "archived" if is_archived else "unarchived", current)
    return await _find(work, id_)


async def delete_workspace(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete an archived workspace with everything in it; nobody gets it back.

    Access ends as this commits: its keys, agents and runs are refused from then on.

    Raises:
        NotFound: it is another organization's, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: it is not archived.
    """
    current = await _lock(work, id_, expected_version)
    if current.archived_at is None:
        raise Conflict("Archive the workspace first; deleting it cannot be undone.")
    await closing.close_workspace(
        work, id_=id_, archived_at=current.archived_at, deleted_slug=_gone(current.slug, id_)
    )
    await _revoke_keys(work, id_)
    await object_counts.note_closed(work, organization_id=current.organization_id)
    _wake(work, current.organization_id)
    await _record(work, "deleted", current)


async def archive_organization(
    work: UnitOfWork, *, id_: UUID, is_archived: bool, expected_version: int | None = None
) -> Organization:
    """Archive all workspaces of an organization, or open all of them again; as the system.

    In one transaction: nobody sees half of it. Asked twice it changes nothing more.

    Raises:
        NotFound: it is another, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await organizations.lock_organization(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    places = await workspaces.list_by_state(work, organization_id=id_, is_archived=not is_archived)
    for place in places:
        inside = replace(work, tenant_id=place, organization_id=id_)
        await archive_workspace(inside, id_=place, is_archived=is_archived)
    if places:
        await record_action(
            work,
            "archived" if is_archived else "unarchived",
            kind=Kind.ORGANIZATION,
            id_=id_,
            name=current.name,
            said={"workspaces": len(places)},
            organization_id=id_,
        )
    return current


async def delete_organization(
    work: UnitOfWork, *, id_: UUID, expected_version: int | None = None
) -> None:
    """Delete an organization whose workspaces are all archived; nobody gets it back.

    Raises:
        NotFound: it is another, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: a workspace is not archived.
    """
    current = await organizations.lock_organization(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    open_slug = await closing.find_open(work, organization_id=id_)
    if open_slug is not None:
        raise Conflict(
            f"The workspace {open_slug} is not archived; archive every workspace first. Deleting "
            "an organization cannot be undone."
        )
    await closing.delete_organization(work, id_=id_, deleted_slug=_gone(current.slug, id_))
    await organizations.free_slugs(work, id_=id_)
    _wake(work, id_)
    await record_action(
        work, "deleted", kind=Kind.ORGANIZATION, id_=id_, name=current.name, organization_id=id_
    )


async def suspend_organization(work: UnitOfWork, *, id_: UUID, reason: str) -> Organization:
    """Suspend an organization, as an operator: its people and keys are refused, nothing starts.

    What runs goes on, and is recorded. As the system.

    Raises:
        InvalidInput: no reason, or too long a one.
        NotFound: there is no such organization.
    """
    return await _suspend(work, id_, because=check_reason(reason))


async def resume_organization(work: UnitOfWork, *, id_: UUID) -> Organization:
    """End the suspension of an organization, as an operator; its schedules catch up as set.

    Raises:
        NotFound: there is no such organization.
    """
    return await _suspend(work, id_, because=None)


async def list_deleted_workspaces(work: UnitOfWork) -> list[Sweep]:
    """Return the workspaces that are to be swept away, the longest deleted first."""
    return [Sweep(closing.WORKSPACE, id_) for id_ in await closing.list_deleted(work)]


async def list_deleted_organizations(work: UnitOfWork) -> list[Sweep]:
    """Return the organizations that are to be swept away: those that have no workspace left."""
    return [Sweep(closing.ORGANIZATION, id_) for id_ in await organizations.list_deleted(work)]


async def sweep_rows(work: UnitOfWork, sweep: Sweep) -> int:
    """Delete up to 2,000 rows of a place, table by table, and its own row last.

    The audit log says so then.

    Returns:
        How many; 0 where none was left and the place is gone.
    """
    tables = sweep.place.tables
    for number in range(sweep.table, len(tables)):
        swept = await closing.sweep_rows(
            work, sweep.place, tables[number], id_=sweep.id, most=ROWS_AT_ONCE
        )
        if swept:
            sweep.table = number
            return swept
    gone = await closing.delete_place(work, sweep.place, id_=sweep.id)
    if gone is not None:
        await record_action(
            work,
            SWEPT,
            kind=sweep.place.kind,
            id_=sweep.id,
            name=gone.name,
            organization_id=gone.organization_id,
        )
    return 0


async def _suspend(work: UnitOfWork, id_: UUID, *, because: str | None) -> Organization:
    current = await organizations.lock_organization(work, id_=id_)
    if current is None:
        raise NotFound
    if current.suspended_because == because:
        return current
    stopped = await closing.suspend(work, id_=id_, because=because)
    await _stop(work, stopped, is_stopped=because is not None, organization_id=id_)
    await record_action(
        work,
        "resumed" if because is None else "suspended",
        kind=Kind.ORGANIZATION,
        id_=id_,
        name=current.name,
        said={"reason": because} if because else None,
        organization_id=id_,
    )
    found = await organizations.find_organization(work, id_=id_)
    return found or current


async def _stop(
    work: UnitOfWork,
    workspace_ids: Sequence[UUID],
    *,
    is_stopped: bool,
    organization_id: UUID | None = None,
) -> None:
    for workspace_id in workspace_ids:
        settle = hold_schedules if is_stopped else release_schedules
        await settle(replace(work, tenant_id=workspace_id))
    if is_stopped:
        work.wake(channels.OUTBOX)
    else:
        pools = await closing.list_pools(work, workspace_ids)
        work.wake(channels.SCHEDULER, *(channels.pool(id_) for id_ in pools))
    _wake(work, organization_id or work.organization_id)


def _wake(work: UnitOfWork, organization_id: UUID | None) -> None:
    if organization_id is not None:
        work.wake(channels.rights(organization_id))


async def _revoke_keys(work: UnitOfWork, workspace_id: UUID) -> None:
    for key_id in await closing.revoke_keys(work, workspace_id=workspace_id):
        work.wake(channels.api_key(key_id))


async def _lock(work: UnitOfWork, id_: UUID, expected_version: int | None) -> Workspace:
    current = await workspaces.lock_workspace(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    return current


async def _find(work: UnitOfWork, id_: UUID) -> Workspace:
    found = await workspaces.find_workspace(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def _record(work: UnitOfWork, verb: str, workspace: Workspace) -> None:
    await record_action(work, verb, kind=Kind.WORKSPACE, id_=workspace.id, name=workspace.name)


def _gone(slug: str, id_: UUID) -> str:
    """Return what a deleted place is called: no slug that anybody could choose."""
    return f"{slug}.{ids.encode_word(id_)}"
