"""Support access: asked for by operators, approved and ended by the organization, always seen."""

from collections.abc import Sequence
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import check_version
from headgate_server.domain.errors import Conflict, Forbidden, NotFound
from headgate_server.domain.organizations import Organization, check_reason
from headgate_server.domain.support_grants import (
    Made,
    SupportAccess,
    SupportGrant,
    SupportRole,
    SupportState,
    check_hours,
)
from headgate_server.domain.tenancy import Actor, Origin, Principal
from headgate_server.repositories import organizations
from headgate_server.repositories import support_grants as stored
from headgate_server.services.audit_entries.record import record_action, record_entry

find_live = stored.find_live
list_grants = stored.list_grants
count_grants = stored.count_grants
list_operated = stored.list_operated
count_operated = stored.count_operated

MOST_MADE = 1_000
SETTLED_AT_ONCE = 100
MOST_TOLD = 100
"""Of what support has made the entry of its end names so much; the grant tells of all."""


async def set_access(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    access: SupportAccess,
    expected_version: int | None = None,
) -> Organization:
    """Say whether operators may look into an organization; what is granted already goes on.

    Raises:
        NotFound: it is another's, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await organizations.lock_organization(work, id_=organization_id)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    if current.support_access is access:
        return current
    changes = {"support_access": access.value}
    updated = await organizations.update_organization(work, id_=organization_id, changes=changes)
    if updated is None:
        raise NotFound
    await record_entry(
        work,
        "support_access_set",
        kind=ids.Kind.ORGANIZATION,
        id_=organization_id,
        name=current.name,
        before={"support_access": current.support_access},
        after={"support_access": access},
        organization_id=organization_id,
    )
    return updated


async def request_grant(
    work: UnitOfWork,
    *,
    operator: Actor,
    organization_id: UUID,
    role: SupportRole,
    reason: str,
    hours: int,
) -> SupportGrant:
    """Ask an organization for access, as an operator; where it allows that, it begins at once.

    Args:
        work: as the system.
        operator: who asks.
        organization_id: whom.
        role: what for.
        reason: why; the organization reads it.
        hours: how long it lasts from its approval on: 1 to 72.

    Raises:
        InvalidInput: no reason, or too long a time.
        NotFound: there is no such organization.
        Forbidden: it lets no support in.
    """
    duration = check_hours(hours)
    because = check_reason(reason)
    organization = await organizations.lock_organization(work, id_=organization_id)
    if organization is None or operator.id is None:
        raise NotFound
    if organization.support_access is SupportAccess.DISABLED:
        raise Forbidden("The organization lets no support in; ask an owner of it to change that.")
    grant = SupportGrant(
        organization_id=organization_id,
        id=ids.new_id(),
        operator=operator,
        role=role,
        reason=because,
        duration=duration,
        requested_at=work.now,
    )
    await stored.insert_grant(work, grant)
    await _record(work, "requested", grant)
    if organization.support_access is SupportAccess.ALLOWED:
        return await _approve(work, grant, by=operator)
    return grant


async def approve_grant(work: UnitOfWork, *, id_: UUID, by: Actor) -> SupportGrant:
    """Let support begin; approved twice it does not last longer.

    Raises:
        NotFound: no such request in the organization.
        Conflict: it was declined, or is too old.
    """
    grant = await _lock(work, id_)
    state = grant.state(work.now)
    if state is SupportState.ACTIVE:
        return grant
    if state is not SupportState.REQUESTED:
        raise Conflict("This request has ended; the operator has to ask again.")
    return await _approve(work, grant, by=by)


async def end_grant(work: UnitOfWork, *, id_: UUID) -> SupportGrant:
    """End support, or decline a request; its connections end as this commits.

    The audit log names what support made and changed, and did not delete again: that stays.

    Raises:
        NotFound: none in the organization.
    """
    return await _end(work, await _lock(work, id_))


async def withdraw_grant(work: UnitOfWork, *, id_: UUID, operator: Actor) -> SupportGrant:
    """End what an operator asked for themselves, as the system: it is theirs to give back.

    Raises:
        NotFound: the operator has asked for none of this id.
    """
    grant = await _lock(work, id_)
    if grant.operator.id != operator.id:
        raise NotFound
    return await _end(work, grant)


async def list_made(work: UnitOfWork, grant: SupportGrant) -> list[Made]:
    """Return what support made and changed and did not delete again: at most 1,000, latest first.

    It outlasts the grant. Nothing of it lets support in again: no key, member or role is made.
    """
    return await stored.list_made(work, grant, most=MOST_MADE)


async def settle_expired(work: UnitOfWork) -> int:
    """Write into the audit logs of organizations that support has ended by itself.

    Returns:
        How many grants were told of: ``SETTLED_AT_ONCE`` where there may be more.
    """
    over = await stored.lock_over(work, most=SETTLED_AT_ONCE)
    for grant in over:
        is_ended = grant.ended_at is not None
        await stored.settle_grant(work, id_=grant.id)
        if not is_ended:
            await _record(work, "expired", grant, made=await _told(work, grant))
    return len(over)


async def witness(
    database: Database,
    principal: Principal,
    *,
    origin: Origin,
    root_fields: Sequence[str],
    objects: Sequence[str] = (),
) -> None:
    """Write into the organization's audit log what support is about to read or do there.

    Args:
        database: opens the transaction of the entry.
        principal: who asks.
        origin: from where.
        root_fields: of the operation.
        objects: what it names, by kind and id.

    Raises:
        Unavailable: it could not be written, and so nothing is to be read.
    """
    if principal.support_grant_id is None:
        return
    async with database.system(actor=principal.actor, origin=origin) as work:
        await record_action(
            work,
            "used",
            kind=ids.Kind.SUPPORT_GRANT,
            id_=principal.support_grant_id,
            name=principal.actor.display_name,
            said={"fields": list(root_fields), "objects": list(objects)},
            organization_id=principal.organization_id,
        )


async def _approve(work: UnitOfWork, grant: SupportGrant, *, by: Actor) -> SupportGrant:
    expires_at = work.now + grant.duration
    approved = await stored.approve_grant(work, id_=grant.id, by=by, expires_at=expires_at)
    await _record(work, "approved", approved)
    return approved


async def _end(work: UnitOfWork, grant: SupportGrant) -> SupportGrant:
    if grant.state(work.now) in {SupportState.ENDED, SupportState.EXPIRED}:
        return grant
    ended = await stored.end_grant(work, id_=grant.id)
    work.wake(channels.rights(grant.organization_id))
    await stored.settle_grant(work, id_=grant.id)
    await _record(work, "ended", ended, made=await _told(work, ended))
    return ended


async def _told(work: UnitOfWork, grant: SupportGrant) -> list[str]:
    """Return what support leaves behind, as the audit log names it."""
    made = await stored.list_made(work, grant, most=MOST_TOLD)
    return [f"{one.kind} {one.name} ({one.id})" for one in made]


async def _lock(work: UnitOfWork, id_: UUID) -> SupportGrant:
    found = await stored.lock_grant(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def _record(
    work: UnitOfWork, verb: str, grant: SupportGrant, *, made: Sequence[str] | None = None
) -> None:
    await record_action(
        work,
        verb,
        kind=ids.Kind.SUPPORT_GRANT,
        id_=grant.id,
        name=grant.operator.display_name,
        said={
            "role": grant.role,
            "reason": grant.reason,
            "hours": int(grant.duration.total_seconds() // 3600),
            "expires_at": grant.expires_at,
            **({} if made is None else {"made": list(made)}),
        },
        organization_id=grant.organization_id,
    )
