"""Signing in with a provider: whose an identity is, and what its groups give."""

import logging
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.errors import ConfigurationError, Conflict, Forbidden, NotFound
from headgate_server.domain.identities import (
    Identity,
    LinkedIdentity,
    Provider,
    SignInRefused,
    check_provider,
)
from headgate_server.domain.login_sessions import (
    NOWHERE,
    Browser,
    LoginCookie,
    Purpose,
    hash_token,
)
from headgate_server.domain.tenancy import Principal
from headgate_server.domain.users import User
from headgate_server.repositories import identities
from headgate_server.repositories import users as stored_users
from headgate_server.services import group_roles, invitations, login_sessions, users
from headgate_server.services.audit_entries.people import record_person

logger = logging.getLogger(__name__)

UNKNOWN = "Nobody invited you to Headgate yet; ask an owner of your organization to."
USED = "This sign-in was finished before; go back to the sign-in page and begin again."
SIGNED_OUT = "You were signed out meanwhile; sign in, and link the identity again."
UNLINKED = "This identity was unlinked meanwhile; sign in another way."
TAKEN = "This identity belongs to another account; sign in with it, or use another one."
LAST_WAY = (
    "You could not sign in any more without it; link another provider, or choose a password by a "
    "link in a mail (/auth/password/reset), and unlink it then."
)
SIGNED_IN_ONLY = "Only who is signed in in a browser looks after identities; a key does not."
SIGN_IN_AGAIN = "Sign in again, and change how you sign in within ten minutes."
PROVEN_WITHIN = timedelta(minutes=10)
"""A cookie that was stolen must not become a way to sign in that lasts, nor take one away."""
SUSPENDED = "This account is suspended; ask your operator."


class _File(msgspec.Struct, forbid_unknown_fields=True):
    provider: list[Provider] = []


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody whom a provider has sent back.

    Args:
        identity: whom it signed in.
        state: of this one sign-in; it is good once.
        link_to: the person who makes the identity theirs; None to sign in.
        session_id: the session in which they do.
        invitation: the token of an invitation that they came by.
        browser: where they sign in from.
        former: a cookie that the browser had; its session ends.
    """

    identity: Identity
    state: str
    link_to: UUID | None = None
    session_id: UUID | None = None
    invitation: str | None = None
    browser: Browser = NOWHERE
    former: LoginCookie | None = None


def read_providers(path: str) -> tuple[Provider, ...]:
    """Return the providers of a TOML file; none where no file is named.

    Raises:
        ConfigurationError: it cannot be read, or one of them cannot be used; no secret is shown.
    """
    if not path:
        return ()
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        found = msgspec.convert(document, _File).provider
    except OSError as error:
        raise ConfigurationError(
            f"HEADGATE_OIDC_FILE cannot be read ({error.strerror}); correct it and start again."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigurationError(
            "HEADGATE_OIDC_FILE is no valid TOML; correct it and start again."
        ) from None
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"HEADGATE_OIDC_FILE: {error}; correct it.") from None
    if len({one.slug for one in found}) < len(found):
        raise ConfigurationError("HEADGATE_OIDC_FILE: two providers have one slug; rename one.")
    return tuple(check_provider(one) for one in found)


async def sign_in(
    database: Database,
    provider: Provider,
    arrival: Arrival,
    *,
    providers: Collection[Provider],
    pepper: str,
) -> LoginCookie | None:
    """Begin a session of whom a provider signed in; None where an identity was linked.

    Whose an identity is follows from issuer and subject alone: an address, proven or not, joins
    none to an account. One that nobody has becomes a new person's if they were invited, or if
    everybody whom the provider knows is let in.

    Args:
        providers: all that sign people in here.

    Raises:
        SignInRefused: the sign-in was finished before, or they are not let in.
        InvalidInput: the invitation is not good.
        Forbidden: the invitation is for another address.
    """
    identity = arrival.identity
    async with database.system() as work:
        user_id = await identities.lock_identity(
            work, issuer=identity.issuer, subject=identity.subject
        )
        if arrival.link_to is not None:
            await _link(work, arrival, owner=user_id, pepper=pepper)
            return None
        user = await _user(work, provider, arrival, user_id=user_id)
        await _use_state(work, arrival, user_id=user.id, pepper=pepper)
        if not await identities.touch(
            work, issuer=identity.issuer, subject=identity.subject, user_id=user.id
        ):
            raise SignInRefused(UNLINKED)
        if arrival.invitation is not None:
            await invitations.accept(
                work,
                token=arrival.invitation,
                user_id=user.id,
                pepper=pepper,
                proven=identity.email,
            )
        await group_roles.join(
            work, provider, known=providers, groups=identity.groups, user_id=user.id
        )
        if arrival.former is not None:
            await login_sessions.revoke(work, user_id=user.id, id_=arrival.former.session_id)
        return await _begin(work, provider, arrival, user=user, pepper=pepper)


async def _begin(
    work: UnitOfWork, provider: Provider, arrival: Arrival, *, user: User, pepper: str
) -> LoginCookie:
    """Begin the session of somebody who is let in, and say so in the audit log."""
    cookie = await login_sessions.begin(
        work,
        user_id=user.id,
        browser=arrival.browser,
        pepper=pepper,
        has_second_factor=True,
    )
    await record_person(
        work,
        "signed_in",
        user,
        browser=arrival.browser,
        session_id=cookie.session_id,
        said={"provider": provider.slug},
    )
    return cookie


async def list_identities(work: UnitOfWork, *, user_id: UUID) -> list[LinkedIdentity]:
    """Return the identities that a person may sign in with, those linked first first."""
    return await identities.list_identities(work, user_id=user_id)


async def list_own(work: UnitOfWork, principal: Principal) -> list[LinkedIdentity]:
    """Return the identities of who asks in a session; none for a key."""
    if principal.login_session_id is None or principal.actor.id is None:
        return []
    return await identities.list_identities(work, user_id=principal.actor.id)


async def unlink(
    work: UnitOfWork,
    *,
    user_id: UUID,
    session_id: UUID,
    id_: UUID,
    providers: Collection[Provider],
    is_by_password: bool = True,
) -> LinkedIdentity:
    """Take an identity from a person, with what its groups gave, and end every other session.

    Args:
        work: as the system.
        user_id: whose it is.
        session_id: the session that asks; it goes on.
        id_: which identity.
        providers: those that sign people in here: an identity of any other is no way in.
        is_by_password: whether a password is one.

    Raises:
        NotFound: the person has no such identity.
        Forbidden: they signed in longer ago than ten minutes.
        Conflict: without it they could not sign in any more.
    """
    found = await stored_users.lock_credentials(work, id_=user_id)
    theirs = await identities.list_identities(work, user_id=user_id)
    gone = next((one for one in theirs if one.id == id_), None)
    if found is None or gone is None:
        raise NotFound
    if not await login_sessions.is_fresh(work, session_id=session_id, within=PROVEN_WITHIN):
        raise Forbidden(SIGN_IN_AGAIN)
    known = {one.issuer for one in providers}
    has_password = (
        is_by_password and found.password_hash is not None and found.user.email is not None
    )
    if not has_password and not any(one.issuer in known for one in theirs if one != gone):
        raise Conflict(LAST_WAY)
    await identities.delete_identities(work, user_id=user_id, id_=id_)
    await group_roles.leave(work, gone.issuer, known=providers, user_id=user_id)
    await login_sessions.sign_out_everywhere(work, user_id=user_id, but=session_id)
    said = {"issuer": gone.issuer}
    await record_person(work, "identity_unlinked", found.user, session_id=session_id, said=said)
    return gone


async def unlink_own(
    work: UnitOfWork,
    principal: Principal,
    *,
    id_: UUID,
    providers: Collection[Provider],
    is_by_password: bool = True,
) -> LinkedIdentity:
    """Take an identity from who asks in a session; see ``unlink``.

    Raises:
        Forbidden: a key asks, or they signed in longer ago than ten minutes.
        NotFound: it is not theirs, or there is none.
        Conflict: without it they could not sign in any more.
    """
    if principal.login_session_id is None or principal.actor.id is None:
        raise Forbidden(SIGNED_IN_ONLY)
    return await unlink(
        work,
        user_id=principal.actor.id,
        session_id=principal.login_session_id,
        id_=id_,
        providers=providers,
        is_by_password=is_by_password,
    )


async def _user(
    work: UnitOfWork, provider: Provider, arrival: Arrival, *, user_id: UUID | None
) -> User:
    identity = arrival.identity
    if user_id is not None:
        found = await stored_users.lock_credentials(work, id_=user_id)
        if found is None or found.suspended_at is not None:
            raise SignInRefused(SUSPENDED)
        if identity.email is not None:
            await stored_users.set_email_verified(work, id_=user_id, email=identity.email)
        return found.user
    if arrival.invitation is None and provider.organization is None:
        raise SignInRefused(UNKNOWN)
    email = identity.email
    if email is not None and await stored_users.find_by_email(work, email=email) is not None:
        email = None
    user = await users.create_user(
        work, display_name=identity.display_name, email=email, is_email_verified=True
    )
    await identities.insert_identity(
        work, issuer=identity.issuer, subject=identity.subject, user_id=user.id
    )
    return user


async def _link(work: UnitOfWork, arrival: Arrival, *, owner: UUID | None, pepper: str) -> None:
    """Make an identity the person's who is signed in.

    Raises:
        SignInRefused: it is another person's, or their session is over by now.
    """
    if arrival.link_to is None or owner not in {None, arrival.link_to}:
        raise SignInRefused(TAKEN)
    if arrival.session_id is None or not await login_sessions.is_live(
        work, session_id=arrival.session_id, user_id=arrival.link_to
    ):
        raise SignInRefused(SIGNED_OUT)
    await _use_state(work, arrival, user_id=arrival.link_to, pepper=pepper)
    if owner is None:
        await identities.insert_identity(
            work,
            issuer=arrival.identity.issuer,
            subject=arrival.identity.subject,
            user_id=arrival.link_to,
        )
        user = await users.find_user(work, id_=arrival.link_to)
        if user is not None:
            said = {"issuer": arrival.identity.issuer}
            await record_person(work, "identity_linked", user, browser=arrival.browser, said=said)


async def _use_state(work: UnitOfWork, arrival: Arrival, *, user_id: UUID, pepper: str) -> None:
    digest = hash_token(arrival.state, purpose=Purpose.STATE, pepper=pepper)
    if not await identities.use_state(work, state_hash=digest, user_id=user_id):
        raise SignInRefused(USED)
