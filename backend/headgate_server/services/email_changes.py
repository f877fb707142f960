"""Another address for a person: it is theirs once they come by the link that was mailed to it."""

from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.login_sessions import (
    LoginSession,
    Purpose,
    hash_token,
    new_secret,
)
from headgate_server.domain.users import User, check_email
from headgate_server.repositories import login_sessions as stored
from headgate_server.repositories import users
from headgate_server.services import login_sessions
from headgate_server.services.audit_entries.people import record_person
from headgate_server.services.passwords import USED_LINK, use_link

SIGN_IN_FIRST = "Sign in to your account in this browser first, and open the link again."
TAKEN = "This address cannot be yours; choose another one."


@dataclass(frozen=True, slots=True)
class Changed:
    """A person as they were, and the address that they have now."""

    user: User
    after: str


async def begin(work: UnitOfWork, session: LoginSession, *, email: str, pepper: str) -> str | None:
    """Return the token of a link to mail to a new address; None where somebody has the address.

    Their own is mailed as well where nobody has proven it: so they prove it, and a mailbox alone
    does not open the account any more. Links before it are void. The caller must answer alike in
    all cases. Nobody is mailed who asked in a session that has ended meanwhile.

    Raises:
        InvalidInput: it is no address.
    """
    address, user_id = check_email(email), session.user_id
    if not await login_sessions.is_live(work, session_id=session.id, user_id=user_id):
        return None
    holder = await users.find_by_email(work, email=address)
    if holder is not None and (holder.id != user_id or holder.is_email_verified):
        return None
    token = new_secret()
    await stored.void_tokens(work, purpose=Purpose.VERIFY, user_id=user_id)
    await stored.insert_token(
        work,
        purpose=Purpose.VERIFY,
        token_hash=hash_token(token, purpose=Purpose.VERIFY, pepper=pepper),
        user_id=user_id,
        email=address,
    )
    return token


async def finish(work: UnitOfWork, *, token: str, pepper: str, by: UUID | None = None) -> Changed:
    """Give a person the address that a link was mailed to, proven, and end all of their sessions.

    Every other link of theirs is void with it: those that went to the address before, too. An
    address that they had already is proven only by who is signed in as they: its mailbox may be of
    somebody in whose name they made the account.

    Args:
        work: as the system.
        token: of the link.
        pepper: the installation's secret.
        by: who came by it, where they are signed in.

    Raises:
        InvalidInput: the link is not good, or somebody else has the address by now.
    """
    found, email = await use_link(work, token, purpose=Purpose.VERIFY, pepper=pepper)
    if email is None:
        raise InvalidInput(USED_LINK, path=["token"])
    user = found.user
    if user.email == email and by != user.id:
        raise InvalidInput(SIGN_IN_FIRST, path=["token"])
    if not await users.set_email(work, id_=user.id, email=email):
        raise InvalidInput(TAKEN, path=["token"])
    await login_sessions.sign_out_everywhere(work, user_id=user.id)
    said = {"before": user.email, "after": email}
    verb = "email_verified" if user.email == email else "email_changed"
    await record_person(work, verb, user, said=said)
    return Changed(user, email)
