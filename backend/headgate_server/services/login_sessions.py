"""Login sessions: begun, renewed, ended; and who a cookie speaks for."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import login_sessions as sessions
from headgate_server.domain.allowlists import admits
from headgate_server.domain.errors import Forbidden, NotFound, Unauthenticated
from headgate_server.domain.login_sessions import Browser, LoginCookie, LoginSession
from headgate_server.domain.permissions import Rights
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.repositories import cli_logins, support_grants, users
from headgate_server.repositories import login_sessions as stored
from headgate_server.services.audit_entries.people import record_person

NO_ORGANIZATION = "You belong to no organization; ask an owner of one to invite you."
SIGNED_IN_ONLY = "Only who is signed in in a browser looks after sessions; a key does not."
FACTOR_NEEDED = (
    "This organization asks for a second factor: turn yours on at /auth/account, or sign in again "
    "with its code."
)
OTHER_ORGANIZATION = "You are no member of this organization; choose another, or ask to be invited."


async def begin(
    work: UnitOfWork,
    *,
    user_id: UUID,
    browser: Browser,
    pepper: str,
    has_second_factor: bool = False,
) -> LoginCookie:
    """Begin a session, and return its cookie; as the system, once the person is proven.

    Args:
        work: as the system.
        user_id: whose.
        browser: where.
        pepper: the installation's secret.
        has_second_factor: whether they have proven more than that they know a password.
    """
    session = LoginSession(
        id=UUID(int=0),
        user_id=user_id,
        created_at=work.now,
        last_seen_at=work.now,
        expires_at=work.now + sessions.ABSOLUTE_LIFETIME,
        ip=browser.ip,
        user_agent=(browser.user_agent or "")[: sessions.MAX_USER_AGENT_LENGTH] or None,
        has_second_factor=has_second_factor,
    )
    return await _store(work, session, organization_id=None, pepper=pepper)


async def renew(
    work: UnitOfWork, *, session_id: UUID, pepper: str, has_second_factor: bool | None = None
) -> LoginCookie:
    """End every session of a person, and go on in this one under another id and secret.

    For a rise of privilege: what was copied before it opens nothing after it. The new session
    ends when the old one would have, and has a second factor as that one had unless it is said.

    Raises:
        Unauthenticated: the session has ended.
    """
    found = await stored.lock_session(work, id_=session_id)
    if found is None:
        raise Unauthenticated
    session, organization_id = found
    await revoke_all(work, user_id=session.user_id)
    session = replace(session, last_seen_at=work.now)
    if has_second_factor is not None:
        session = replace(session, has_second_factor=has_second_factor)
    return await _store(work, session, organization_id=organization_id, pepper=pepper)


async def revoke(work: UnitOfWork, *, user_id: UUID, id_: UUID) -> bool:
    """End a session of a person; whether it was one that had not ended."""
    return bool(_wake(work, await stored.revoke_sessions(work, user_id=user_id, id_=id_)))


async def revoke_all(work: UnitOfWork, *, user_id: UUID, but: UUID | None = None) -> int:
    """Sign a person out everywhere, or everywhere but in one session; from how many."""
    return len(_wake(work, await stored.revoke_sessions(work, user_id=user_id, but=but)))


async def sign_out_everywhere(work: UnitOfWork, *, user_id: UUID, but: UUID | None = None) -> int:
    """End a person's sessions as ``revoke_all``, and let none of their browsers be known any more.

    Who does so may have lost one: what is in it says nothing of its holder from now on, and what
    was begun in it is over, too.
    """
    await users.forget_devices(work, id_=user_id)
    await void_begun(work, user_id=user_id)
    return await revoke_all(work, user_id=user_id, but=but)


async def void_begun(work: UnitOfWork, *, user_id: UUID) -> None:
    """End what a person, or somebody in their name, has begun and not finished.

    That is every link that was mailed to them or for them, whatever it is good for, and every
    command line that was allowed and has no key yet.
    """
    await stored.void_tokens(work, user_id=user_id)
    await cli_logins.void_allowed(work, user_id=user_id)


async def list_sessions(work: UnitOfWork, *, user_id: UUID) -> list[LoginSession]:
    """Return the live sessions of a person, the one used last first."""
    return await stored.list_sessions(work, user_id=user_id)


async def is_proven(database: Database, *, session_id: UUID, within: timedelta) -> bool:
    """Whether a session is live, and its person signed in no longer ago than this."""
    async with database.glance() as work:
        return await is_fresh(work, session_id=session_id, within=within)


async def is_live(work: UnitOfWork, *, session_id: UUID, user_id: UUID) -> bool:
    """Whether a session is a person's and goes on; that stays so until the transaction ends."""
    found = await stored.lock_session(work, id_=session_id)
    return found is not None and found[0].user_id == user_id


async def is_fresh(work: UnitOfWork, *, session_id: UUID, within: timedelta) -> bool:
    """Whether a session is live, and its person signed in no longer ago than this."""
    found = await stored.lock_session(work, id_=session_id)
    return found is not None and found[0].created_at > work.now - within


async def has_second_factor(database: Database, *, session_id: UUID) -> bool:
    """Whether a session is live, and was begun with more than a password."""
    async with database.glance() as work:
        found = await stored.lock_session(work, id_=session_id)
        return found is not None and found[0].has_second_factor


async def sign_out(
    work: UnitOfWork, session: LoginSession, *, is_everywhere: bool, browser: Browser
) -> None:
    """End a session, or all of its person's; as the system."""
    if is_everywhere:
        count = await sign_out_everywhere(work, user_id=session.user_id)
    else:
        count = int(await revoke(work, user_id=session.user_id, id_=session.id))
    await _record(
        work, session.user_id, session_id=session.id, browser=browser, said={"sessions": count}
    )


async def end_session(work: UnitOfWork, session: LoginSession, *, id_: UUID) -> None:
    """End a session of a person from another of theirs; one that has ended stays so."""
    if await revoke(work, user_id=session.user_id, id_=id_):
        await _record(work, session.user_id, session_id=session.id, said={"sessions": 1})


async def list_own(work: UnitOfWork, principal: Principal) -> list[LoginSession]:
    """Return the live sessions of who asks in one, the one used last first; none for a key."""
    if principal.login_session_id is None or principal.actor.id is None:
        return []
    return await list_sessions(work, user_id=principal.actor.id)


async def revoke_own(work: UnitOfWork, principal: Principal, *, id_: UUID) -> None:
    """End a session of who asks in one.

    Raises:
        Forbidden: a key asks.
        NotFound: the session is not theirs, or there is none.
    """
    user_id = _person(principal)
    if not await revoke(work, user_id=user_id, id_=id_):
        raise NotFound
    await _record(work, user_id, session_id=principal.login_session_id, said={"sessions": 1})


async def revoke_all_own(work: UnitOfWork, principal: Principal, *, is_current_kept: bool) -> int:
    """Sign out everywhere who asks in a session, or everywhere else; from how many.

    Raises:
        Forbidden: a key asks.
    """
    but = principal.login_session_id if is_current_kept else None
    user_id = _person(principal)
    count = await sign_out_everywhere(work, user_id=user_id, but=but)
    session_id = principal.login_session_id
    await _record(work, user_id, session_id=session_id, said={"sessions": count})
    return count


async def _record(
    work: UnitOfWork,
    user_id: UUID,
    *,
    session_id: UUID | None,
    browser: Browser = sessions.NOWHERE,
    said: dict[str, int],
) -> None:
    user = await users.find_user(work, id_=user_id)
    if user is not None:
        await record_person(
            work, "signed_out", user, browser=browser, session_id=session_id, said=said
        )


def _person(principal: Principal) -> UUID:
    if principal.login_session_id is None or principal.actor.id is None:
        raise Forbidden(SIGNED_IN_ONLY)
    return principal.actor.id


async def delete_ended(work: UnitOfWork) -> int:
    """Forget sessions, and tokens of mails, that are past their time."""
    return await stored.delete_ended(work)


async def authenticate(
    database: Database,
    cookie: LoginCookie,
    *,
    organization: str | None,
    pepper: str,
    organization_id: UUID | None = None,
    address: str | None = None,
    is_use: bool = True,
) -> Principal:
    """Return who a cookie speaks for, and what they may do in one organization.

    Args:
        database: opens the unit of work.
        cookie: as the browser sent it.
        organization: its slug; None is the one used last, or else one that lets them in.
        pepper: the installation's secret.
        organization_id: the only organization that it may be; None where any of theirs may.
        address: from where; the caller sees to it that the organization lets that in.
        is_use: whether this counts as the person's doing, which keeps a session from ending.

    Raises:
        Unauthenticated: anything is wrong with the cookie; the message never says what.
        Forbidden: the person is no member of the organization, or there is none of this name, or
            it asks for a second factor.
    """
    async with database.glance() as work:
        facts = await _get_facts(
            work,
            cookie,
            organization=organization,
            organization_id=organization_id,
            pepper=pepper,
        )
        if organization is None and organization_id is None:
            facts = await _choose(work, facts, address=address)
        place_id = facts.organization_id
        if place_id is None:
            return await _support(work, facts, organization=organization)
        if not facts.is_operator:
            facts.closures.check()
        session = facts.session
        if facts.requires_second_factor and not session.has_second_factor:
            raise Forbidden(FACTOR_NEEDED)
        if is_use:
            is_stale = session.last_seen_at <= work.now - sessions.LAST_SEEN_RESOLUTION
            if is_stale or facts.last_organization_id != place_id:
                await stored.touch(work, id_=session.id, organization_id=place_id)
                session = replace(session, last_seen_at=work.now)
    return _member(facts, session, organization_id=place_id)


async def _choose(
    work: UnitOfWork, facts: stored.SessionFacts, *, address: str | None
) -> stored.SessionFacts:
    """Return what a person may do in the first of their organizations that lets them in.

    Where none does, in the first of all, which says why.
    """
    found: stored.SessionFacts | None = facts
    shut: list[UUID] = []
    while found is not None and found.organization_id is not None:
        if _is_open(found, address=address):
            return found
        shut.append(found.organization_id)
        found = await stored.find_facts(work, id_=facts.session.id, slug=None, but=shut)
    return facts


def _is_open(facts: stored.SessionFacts, *, address: str | None) -> bool:
    is_suspended = facts.closures.suspended_because is not None and not facts.is_operator
    lacks_factor = facts.requires_second_factor and not facts.session.has_second_factor
    return not (is_suspended or lacks_factor) and admits(facts.closures.networks, address)


def _member(
    facts: stored.SessionFacts, session: LoginSession, *, organization_id: UUID
) -> Principal:
    return Principal(
        actor=Actor(ActorKind.USER, session.user_id, facts.display_name),
        organization_id=organization_id,
        workspace_id=None,
        scopes=facts.rights.anywhere,
        rights=facts.rights,
        login_session_id=session.id,
        is_operator=facts.is_operator,
        expires_at=session.ends_at(),
        networks=facts.closures.networks,
    )


async def _support(
    work: UnitOfWork, facts: stored.SessionFacts, *, organization: str | None
) -> Principal:
    """Return who looks into an organization that they are no member of, as they were granted.

    Its allowlist is not for them: whoever let them in knows that they come from elsewhere.
    """
    if organization is None or not facts.is_operator:
        raise Forbidden(OTHER_ORGANIZATION if organization else NO_ORGANIZATION)
    session = facts.session
    found = await support_grants.find_live(work, operator_id=session.user_id, slug=organization)
    if found is None:
        raise Forbidden(OTHER_ORGANIZATION)
    if found.requires_second_factor and not session.has_second_factor:
        raise Forbidden(FACTOR_NEEDED)
    grant = found.grant
    ends = [at for at in (session.ends_at(), grant.expires_at) if at is not None]
    rights = Rights(everywhere=grant.role.scopes, ceilings=found.closures.ceilings)
    return Principal(
        actor=Actor(ActorKind.USER, session.user_id, facts.display_name),
        organization_id=grant.organization_id,
        workspace_id=None,
        scopes=rights.anywhere,
        rights=rights,
        login_session_id=session.id,
        expires_at=min(ends),
        support_grant_id=grant.id,
    )


async def find_session(database: Database, cookie: LoginCookie, *, pepper: str) -> LoginSession:
    """Return the session of a cookie, whatever its person belongs to.

    Raises:
        Unauthenticated: anything is wrong with the cookie.
    """
    async with database.glance() as work:
        return (await _get_facts(work, cookie, organization=None, pepper=pepper)).session


async def _get_facts(
    work: UnitOfWork,
    cookie: LoginCookie,
    *,
    organization: str | None,
    pepper: str,
    organization_id: UUID | None = None,
) -> stored.SessionFacts:
    facts = await stored.find_facts(
        work, id_=cookie.session_id, slug=organization, organization_id=organization_id
    )
    if facts is None:
        raise Unauthenticated
    if not sessions.is_secret(cookie.secret, stored=facts.secret_hash, pepper=pepper):
        raise Unauthenticated
    now = sessions.hash_secret(cookie.secret, pepper=pepper)
    if now != facts.secret_hash:
        await stored.set_hash(work, id_=cookie.session_id, secret_hash=now)
    return facts


async def _store(
    work: UnitOfWork, session: LoginSession, *, organization_id: UUID | None, pepper: str
) -> LoginCookie:
    cookie = sessions.new_cookie()
    await stored.insert_session(
        work,
        session=replace(session, id=cookie.session_id),
        secret_hash=sessions.hash_secret(cookie.secret, pepper=pepper),
        organization_id=organization_id,
    )
    return cookie


def _wake(work: UnitOfWork, ended: list[UUID]) -> list[UUID]:
    work.wake(*(channels.login_session(id_) for id_ in ended))
    return ended
