"""Joining by an invitation as somebody new, who is answered alike whether or not they are known."""

from dataclasses import dataclass

from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict, Forbidden
from headgate_server.domain.members import hash_token, new_token
from headgate_server.domain.passwords import check_password
from headgate_server.domain.users import User
from headgate_server.domain.workspaces import check_name
from headgate_server.repositories import invitations, users
from headgate_server.services.invitations import NOT_PROVEN, Shown, accept, look
from headgate_server.services.passwords import Hasher
from headgate_server.services.users import create_user


@dataclass(frozen=True, slots=True)
class Redirected:
    """An invitation that goes on to who has an account under its address, by another link.

    Args:
        user: whom to tell.
        shown: what they are invited to.
        token: of the link that is mailed to them alone.
    """

    user: User
    shown: Shown
    token: str


@dataclass(frozen=True, slots=True)
class _New:
    """Somebody new, as their account is made."""

    name: str
    email: str
    is_proven: bool
    password_hash: str


class _Outrun(Exception):
    """Another request has just made an account of the address."""


class _HasAccount(Exception):
    """Takes back what was made for somebody new: the address has an account."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user


async def join_as_new(
    database: Database,
    *,
    token: str,
    name: str,
    password: str,
    hasher: Hasher,
    pepper: str,
    is_proof_needed: bool = False,
    is_mailing: bool = False,
) -> Redirected | None:
    """Make an account for who was invited, and a member of it; they sign in with it then.

    That the address is theirs is shown by a link that was mailed to it, and by no other. Whoever
    has a link learns nothing of whether its address has an account: if so, all that is done for
    somebody new is done, and taken back; the link is good no more, as after a success, and whoever
    has the account is mailed another.

    Args:
        is_mailing: whether mails can be sent. Where not, the link stays good for the account.

    Returns:
        Whom to mail another link, if anybody.

    Raises:
        InvalidInput: the link, the name or the password is not good.
        Forbidden: whoever invited them holds no more what it gives, or the address is not proven.
    """
    shown = await look(database, token=token, pepper=pepper)
    email, is_proven = shown.invitation.email, shown.invitation.is_mailed
    if is_proof_needed and not is_proven:
        raise Forbidden(NOT_PROVEN)
    check_name(name)
    check_password(password, email=email)
    password_hash = await hasher.hash(password)
    made = _New(name, email, is_proven, password_hash)
    try:
        try:
            await _join(database, made, token=token, pepper=pepper)
        except _Outrun:
            await _join(database, made, token=token, pepper=pepper)
    except _HasAccount as found:
        if is_mailing:
            return await _redirect(database, shown, user=found.user, token=token, pepper=pepper)
    return None


async def _join(database: Database, new: _New, *, token: str, pepper: str) -> None:
    """Make an account and a member of it.

    Raises:
        _HasAccount: the address has one; all of it is taken back.
        _Outrun: another request made one meanwhile; as if it had been there before, once asked
            again.
    """
    async with database.system() as work:
        known = await users.find_by_email(work, email=new.email)
        address = new.email if known is None else None
        try:
            user = await create_user(
                work,
                display_name=new.name,
                email=address,
                is_email_verified=new.is_proven,
            )
        except Conflict:
            raise _Outrun from None
        await users.set_password(work, id_=user.id, password_hash=new.password_hash)
        await accept(work, token=token, user_id=user.id, pepper=pepper)
        if known is not None:
            raise _HasAccount(known)


async def _redirect(
    database: Database, shown: Shown, *, user: User, token: str, pepper: str
) -> Redirected | None:
    """Replace the link of an invitation by one that is for an account's owner alone.

    The audit log is not told: those who read it do not learn who has an account, either.
    """
    fresh = new_token()
    async with database.system() as work:
        replaced = await invitations.replace_token(
            work,
            token_hash=hash_token(token, pepper=pepper),
            new_hash=hash_token(fresh, pepper=pepper),
        )
    return Redirected(user, shown, fresh) if replaced is not None else None
