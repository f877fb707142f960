"""Who asks for what outlives their asking: still who they were, and nobody ends that meanwhile."""

from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import NotFound, Unauthenticated
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.repositories import api_keys, members, service_accounts, users
from headgate_server.services import login_sessions


async def hold(work: UnitOfWork, asker: Principal, *, owner: Actor | None = None) -> None:
    """Go on only if who asks is still who they were, and the owner of what they make is there.

    Who a credential speaks for is remembered for a moment. That is right for what is over with the
    answer; a key that is made in that moment would live on. From here on whoever ends the session
    or the key that asks, the membership, the machine or the keys of the owner waits until this
    transaction ends, and sees what it made. People are locked first, as by all that ends what is
    theirs.

    Args:
        work: as the system, in the name of the asker's organization.
        asker: as they were authenticated.
        owner: whose the key is to be; None where none is made.

    Raises:
        Unauthenticated: the asker's credential has ended, or they have left.
        NotFound: the owner has left.
    """
    actors = {one for one in (asker.actor, owner) if one is not None}
    kinds = (ActorKind.USER, ActorKind.SERVICE_ACCOUNT)
    people, machines = (
        {one.id for one in actors if one.kind is kind and one.id is not None} for kind in kinds
    )
    place = asker.organization_id
    there = await users.hold_able(work, ids=people) if people else set[UUID]()
    if people:
        there &= await members.hold_members(work, organization_id=place, user_ids=people)
    if machines:
        there |= await service_accounts.hold_accounts(work, organization_id=place, ids=machines)
    if asker.actor.id in (people | machines) - there or not await _is_live(work, asker):
        raise Unauthenticated
    if owner is not None and owner.id not in there:
        raise NotFound


async def _is_live(work: UnitOfWork, asker: Principal) -> bool:
    """Whether the session or the key that asks goes on, until the transaction ends."""
    if asker.login_session_id is not None and asker.actor.id is not None:
        return await login_sessions.is_live(
            work, session_id=asker.login_session_id, user_id=asker.actor.id
        )
    if asker.api_key_id is None:
        return True
    number = asker.secret_number
    return await api_keys.hold_key(work, id_=asker.api_key_id, secret_number=number)
