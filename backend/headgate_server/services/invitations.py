"""Invitations: sent, revoked, accepted once; nobody is given more than who invited them holds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Conflict, Forbidden, InvalidInput, LimitExceeded, NotFound
from headgate_server.domain.members import Invitation, PlannedBinding, hash_token, new_token
from headgate_server.domain.organizations import Organization
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.peppers import peppers_of
from headgate_server.domain.permissions import ungivable
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.roles import BindingPlace, Holder, HolderKind, Role, grant_of
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.domain.users import User, check_email
from headgate_server.repositories import invitations, members, organizations, roles, users
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.roles import check_grant, check_place, get_role, wake_rights

MAX_OPEN = 1000
MAX_AN_HOUR = 200
MAX_ROLES = 20
NOT_GOOD = "This invitation was used, revoked or has expired; ask for another one."
OTHER_ADDRESS = (
    "This invitation is for another address; sign in with that one, or ask for an invitation that "
    "is good for any address."
)
NOT_PROVEN = (
    "An account is made here only for an address that is proven, and this link was not mailed; "
    "come by a provider, or ask for a link by mail."
)
LOST = "Whoever invited you may not give this any more; ask an owner for another invitation."


PATH = "/auth/invitation"


def link_of(url: str, token: str) -> str:
    """Return the link of an invitation; the token is behind the #, so that no log has it."""
    return f"{url}{PATH}#{token}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the holder of an invitation's link may know of it."""

    invitation: Invitation
    organization: Organization
    role_names: tuple[str, ...]


async def invite(
    work: UnitOfWork,
    *,
    granter: Principal,
    email: str,
    role_ids: Sequence[UUID],
    place: BindingPlace,
    pepper: str,
    is_mailed: bool = False,
    is_for_anybody: bool = False,
) -> tuple[Invitation, str]:
    """Invite somebody to roles in a place, and return the token of the link, which is good once.

    Whether the address has an account makes no difference. Another invitation of the address to
    this organization is void then.

    Args:
        work: of the organization.
        granter: who invites.
        email: whom.
        role_ids: what they will hold.
        place: where.
        pepper: the installation's secret.
        is_mailed: whether the link goes to the address alone: whoever has it has proven it then.
        is_for_anybody: whether a person with another address may accept it, too.

    Raises:
        InvalidInput: a bad address, or too many roles.
        NotFound: no such role or workspace.
        Forbidden: a role, now or in the invitation before, gives what the granter does not hold.
        Conflict: the person is a member already.
        LimitExceeded: too many invitations are open, or were sent this hour.
    """
    email = check_email(email)
    planned = await _plan(work, granter=granter, role_ids=role_ids, place=place)
    await _make_way(work, granter=granter, email=email)
    token = new_token()
    made = await invitations.insert_invitation(
        work,
        organization_id=granter.organization_id,
        email=email,
        planned=planned,
        token_hash=hash_token(token, pepper=pepper),
        is_mailed=is_mailed,
        is_for_anybody=is_for_anybody,
    )
    if made is None:
        raise Conflict("Another caller has just invited this address.", path=["email"])
    await _record(work, "sent", made)
    return made, token


async def _plan(
    work: UnitOfWork, *, granter: Principal, role_ids: Sequence[UUID], place: BindingPlace
) -> list[PlannedBinding]:
    """Return the roles in the place, each once; they are the granter's to give."""
    if len(role_ids) > MAX_ROLES:
        raise InvalidInput(f"An invitation gives at most {MAX_ROLES} roles.", path=["roleIds"])
    planned = [PlannedBinding(id_, place) for id_ in dict.fromkeys(role_ids)]
    await check_place(work, place)
    await _check_planned(work, granter=granter, planned=planned, is_missing_fine=False)
    return planned


async def _make_way(work: UnitOfWork, *, granter: Principal, email: str) -> None:
    """Void the former invitation of an address; refuse a member's."""
    if await members.find_by_email(work, email=email) is not None:
        raise Conflict("A person of this address is a member; give them a role.", path=["email"])
    await _check_limits(work)
    former = await invitations.find_unanswered(work, email=email)
    if former is not None:
        await _check_planned(work, granter=granter, planned=former.planned)
        await invitations.set_revoked(work, id_=former.id)
        await _record(work, "replaced", former)


async def revoke(work: UnitOfWork, *, granter: Principal, id_: UUID) -> Invitation:
    """Void the link of an invitation; one that was answered stays as it is.

    Raises:
        NotFound: no such invitation.
        Forbidden: it gives what the granter does not hold.
    """
    found = await invitations.find_invitation(work, id_=id_)
    if found is None:
        raise NotFound
    await _check_planned(work, granter=granter, planned=found.planned)
    revoked = await invitations.set_revoked(work, id_=id_)
    if revoked is None:
        return found
    await _record(work, "revoked", revoked)
    return revoked


async def look(database: Database, *, token: str, pepper: str) -> Shown:
    """Return what an invitation's link shows.

    Raises:
        InvalidInput: it is not good.
    """
    async with database.system() as work:
        digest = await _carried(work, token, pepper=pepper)
        found = await invitations.find_by_token(work, token_hash=digest)
        place = await _organization(work, found)
        if found is None or place is None:
            raise InvalidInput(NOT_GOOD, path=["token"])
        within = replace(work, organization_id=found.organization_id)
        names = [role.name for role, _ in await _roles(within, found.planned)]
        return Shown(found, place, tuple(names))


async def _carried(work: UnitOfWork, token: str, *, pepper: str) -> bytes:
    """Return the hash under which a token is stored, once it is so under the pepper of now."""
    digest, *before = (hash_token(token, pepper=one) for one in peppers_of(pepper))
    for old_hash in before:
        await invitations.carry_token(work, old_hash=old_hash, new_hash=digest)
    return digest


async def accept(
    work: UnitOfWork, *, token: str, user_id: UUID, pepper: str, proven: str | None = None
) -> Invitation:
    """Make somebody a member with what their invitation plans, once.

    The link alone is not enough for a person who has an address, unless it is the one that was
    invited or whoever invited them let anybody come. An address alone is never enough.

    Args:
        work: as the system.
        token: of the link.
        user_id: who came by it, and has proven who they are.
        pepper: the installation's secret.
        proven: an address that a provider has verified just now, beside that of the account.

    Raises:
        InvalidInput: the link is not good.
        Forbidden: whoever invited them holds no more what it gives, or it is for another address;
            the link stays good.
    """
    used = await invitations.use_token(work, token_hash=await _carried(work, token, pepper=pepper))
    found_place = await _organization(work, used)
    if used is None or found_place is None or found_place.suspended_at is not None:
        raise InvalidInput(NOT_GOOD, path=["token"])
    user, place = await users.find_user(work, id_=user_id), found_place.id
    _check_address(used, user=user, proven=proven)
    within = replace(work, organization_id=place, actor=used.invited_by)
    found = await _roles(within, used.planned)
    if used.invited_by.kind is not ActorKind.SYSTEM:
        rights = await roles.find_rights(within, organization_id=place, holder=used.invited_by)
        if rights is None or any(ungivable(rights, grant_of(*one)) for one in found):
            raise Forbidden(LOST)
    membership_id, is_new = await members.insert_membership(
        within, organization_id=place, user_id=user_id, invited_by=used.invited_by
    )
    if is_new:
        await object_counts.claim(within, QuotaKind.MEMBERS)
    for role, where in found:
        await roles.insert_binding(
            within,
            organization_id=place,
            holder=Holder(HolderKind.MEMBERSHIP, membership_id),
            role=role,
            place=where,
        )
    wake_rights(within)
    if user is not None:
        joined = Actor(ActorKind.USER, user.id, user.display_name)
        await _record(replace(within, actor=joined), "accepted", used)
    return used


async def get_many_invitations(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Invitation]:
    """Return those of the invitations that are to the organization, by id."""
    return await invitations.get_many(work, ids_)


async def list_invitations(work: UnitOfWork, *, page: PageRequest) -> Page[Invitation]:
    """Return a page of unanswered invitations, latest first: the key is ``(created_at, id)``."""
    return await invitations.list_invitations(work, page=page)


async def count_invitations(work: UnitOfWork, *, cap: int) -> int:
    """Return how many are unanswered; ``cap + 1`` stands for more than ``cap``."""
    return await invitations.count_invitations(work, cap=cap)


def _check_address(one: Invitation, *, user: User | None, proven: str | None) -> None:
    """Go on only with whom an invitation is for; who has no address is not somebody else.

    Raises:
        Forbidden: the person has another address.
    """
    theirs = {user.email if user is not None else None, proven} - {None}
    if theirs and one.email not in theirs and not one.is_for_anybody:
        raise Forbidden(OTHER_ADDRESS)


async def _check_planned(
    work: UnitOfWork,
    *,
    granter: Principal,
    planned: Sequence[PlannedBinding],
    is_missing_fine: bool = True,
) -> None:
    if not is_missing_fine:
        for one in planned:
            await get_role(work, id_=one.role_id)
    for role, place in await _roles(work, planned):
        check_grant(granter, grant_of(role, place))


async def _roles(
    work: UnitOfWork, planned: Sequence[PlannedBinding]
) -> list[tuple[Role, BindingPlace]]:
    """Return what is left of a plan: roles and workspaces may have been deleted meanwhile."""
    found: list[tuple[Role, BindingPlace]] = []
    for one in planned:
        try:
            await check_place(work, one.place)
            found.append((await get_role(work, id_=one.role_id), one.place))
        except NotFound:
            continue
    return found


async def _record(work: UnitOfWork, verb: str, one: Invitation) -> None:
    said = {"roles": [ids.show(ids.Kind.ROLE, planned.role_id) for planned in one.planned]}
    await record_action(work, verb, kind=ids.Kind.INVITATION, id_=one.id, name=one.email, said=said)


async def _organization(work: UnitOfWork, found: Invitation | None) -> Organization | None:
    if found is None:
        return None
    return await organizations.find_organization(work, id_=found.organization_id)


async def _check_limits(work: UnitOfWork) -> None:
    open_ = await invitations.count_invitations(work, cap=MAX_OPEN)
    if open_ >= MAX_OPEN:
        message = f"At most {MAX_OPEN} invitations are open; revoke some first."
        raise LimitExceeded(message, limit=MAX_OPEN, current=open_)
    recent = await invitations.count_since(work, since=work.now - timedelta(hours=1))
    if recent >= MAX_AN_HOUR:
        message = f"At most {MAX_AN_HOUR} invitations are sent in an hour; wait."
        raise LimitExceeded(message, limit=MAX_AN_HOUR, current=recent)
