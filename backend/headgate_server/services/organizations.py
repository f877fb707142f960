"""Organizations: found by the members, created by the system."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import changed, check_version
from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import Conflict, LimitExceeded, NotFound
from headgate_server.domain.organizations import Organization, Overview, check_slug
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.tenancy import Actor, Principal
from headgate_server.domain.workspaces import check_name
from headgate_server.repositories import organizations
from headgate_server.services.audit_entries.record import record_entry
from headgate_server.services.members import add_owner
from headgate_server.services.roles import wake_rights

MAX_SLUGS = 20
"""Of one organization, now and before: nobody else can be called by them."""


async def create_organization(work: UnitOfWork, *, slug: str, name: str) -> Organization:
    """Create an organization; needs the system's unit of work, since no tenant exists yet.

    Raises:
        InvalidInput: a bad slug or name.
        Conflict: the slug is taken.
    """
    created = await organizations.insert_organization(
        work, id_=ids.new_id(), slug=check_slug(slug), name=check_name(name)
    )
    if created is None:
        raise Conflict("This slug is taken; choose another one.", path=["slug"])
    await _record(work, "created", before=None, after=created)
    return created


async def found_organization(
    work: UnitOfWork, *, slug: str, name: str, founder: Actor
) -> Organization:
    """Create an organization that a person owns; as the system.

    Raises:
        InvalidInput: a bad slug or name.
        Conflict: the slug is taken.
        NotFound: the founder is no person of this installation.
    """
    if founder.id is None:
        raise NotFound
    made = await create_organization(work, slug=slug, name=name)
    await add_owner(work, organization_id=made.id, user_id=founder.id)
    return made


async def list_overviews(work: UnitOfWork, *, page: PageRequest) -> Page[Overview]:
    """Return a page of all organizations as operators see them: the page key is ``(slug, id)``."""
    return await organizations.list_overviews(work, page=page)


async def count_organizations(work: UnitOfWork, *, cap: int) -> int:
    """Return how many organizations there are; ``cap + 1`` stands for more than ``cap``."""
    return await organizations.count_organizations(work, cap=cap)


async def update_organization(
    work: UnitOfWork,
    *,
    id_: UUID,
    slug: str | UnsetType = UNSET,
    name: str | UnsetType = UNSET,
    requires_second_factor: bool | UnsetType = UNSET,
    expected_version: int | None = None,
) -> Organization:
    """Change the caller's organization; its version rises only if something changed.

    Once it asks for a second factor, sessions without one are looked at again at once.

    Raises:
        InvalidInput: a bad slug or name.
        NotFound: it is another's, or does not exist.
        VersionConflict: it is not of the expected version.
        Conflict: the slug is taken, or was another one's.
        LimitExceeded: it was called by too many slugs.
    """
    if slug is not UNSET:
        check_slug(slug)
    if name is not UNSET:
        check_name(name)
    current = await organizations.lock_organization(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    wanted = {"slug": slug, "name": name, "requires_second_factor": requires_second_factor}
    changes = changed(current, {key: one for key, one in wanted.items() if one is not UNSET})
    if not changes:
        return current
    if "slug" in changes:
        await _check_slugs(work, id_=id_, slug=changes["slug"])
    updated = await organizations.update_organization(work, id_=id_, changes=changes)
    if updated is None:
        raise Conflict("This slug is taken; choose another one.", path=["slug"])
    await _record(work, "updated", before=current, after=updated)
    if "requires_second_factor" in changes:
        wake_rights(work)
    return updated


async def _check_slugs(work: UnitOfWork, *, id_: UUID, slug: str) -> None:
    own = await organizations.find_by_slug(work, slug=slug)
    count = await organizations.count_slugs(work, id_=id_)
    if count >= MAX_SLUGS and (own is None or own.id != id_):
        message = f"An organization keeps the {MAX_SLUGS} slugs that it had; go back to one."
        raise LimitExceeded(message, limit=MAX_SLUGS, current=count)


async def find_organization(work: UnitOfWork, *, id_: UUID) -> Organization | None:
    """Return an organization, if it is the caller's."""
    return await organizations.find_organization(work, id_=id_)


async def find_by_slug(work: UnitOfWork, *, slug: str) -> Organization | None:
    """Return the organization that has a slug, or had it, if it is the caller's."""
    return await organizations.find_by_slug(work, slug=slug) if is_storable(slug) else None


async def get_organization(work: UnitOfWork, *, id_: UUID) -> Organization:
    """Return the caller's organization.

    Raises:
        NotFound: it is another's, or does not exist.
    """
    found = await find_organization(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def get_many_organizations(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, Organization]:
    """Return those of the organizations that are the caller's, by id."""
    return await organizations.get_many(work, ids_)


async def list_organizations(work: UnitOfWork, *, page: PageRequest) -> Page[Organization]:
    """Return a page of the caller's organizations: the page key is ``(slug, id)``."""
    return await organizations.list_organizations(work, page=page)


async def list_own(work: UnitOfWork, principal: Principal) -> list[Organization]:
    """Return every organization that the signed-in person belongs to, by slug; as the system.

    Who asks with a key belongs to one only, and is told none.
    """
    if principal.login_session_id is None or principal.actor.id is None:
        return []
    return await organizations.list_of_person(work, user_id=principal.actor.id)


async def _record(
    work: UnitOfWork, verb: str, *, before: Organization | None, after: Organization
) -> None:
    await record_entry(
        work,
        verb,
        kind=ids.Kind.ORGANIZATION,
        id_=after.id,
        name=after.name,
        before=before,
        after=after,
        organization_id=after.id,
    )
