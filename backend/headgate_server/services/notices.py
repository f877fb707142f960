"""Mails that tell a person how the ways to sign in as them have changed; they may not know."""

import logging
from collections.abc import Sequence
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain.api_keys import ApiKey
from headgate_server.domain.users import User
from headgate_server.services import users
from headgate_server.services.mails import Mail, Mailer, MailNotSent, MailRefused

logger = logging.getLogger(__name__)

ACCOUNT_PATH = "/auth/account"
PASSWORD_CHANGED = "Your password was changed; every other session has ended."  # noqa: S105  told
IDENTITY_LINKED = "Another way to sign in was added to your account: {issuer}."
IDENTITY_UNLINKED = (
    "A way to sign in was taken from your account: {issuer}. Every other session has ended."
)
FACTOR_ON = "A second factor was turned on; every other session has ended."
FACTOR_OFF = "Your second factor was turned off; every other session has ended."
PASSWORD_RESET = "Your password was reset by a link in a mail, and every session has ended."  # noqa: S105  told
EMAIL_PROVEN = "You have proven that this address is yours, and every session has ended."
EMAIL_CHANGED = (
    "Your account has another address now, {email}, and every session has ended. This address "
    "signs nobody in any more."
)
DELETED = (
    "Your account was deleted: nobody signs in with it any more, and your API keys are refused. "
    "What you made stays with your organizations, without your name. If it was not you, tell an "
    "owner of your organization, who can invite you again."
)
MOST_KEYS = 20


def reset_notice(*, keys: Sequence[ApiKey], is_revoked: bool, unlinked: Sequence[str]) -> str:
    """Return what a person is told after a reset: what still acts for them, and what no more.

    Args:
        keys: theirs that were live.
        is_revoked: whether those were revoked with it.
        unlinked: issuers by which nobody signs in as them any more.
    """
    told = [PASSWORD_RESET]
    if unlinked:
        told.append(
            "Your address was proven for the first time: ways to sign in that were added before "
            f"are gone: {', '.join(unlinked)}."
        )
    if keys and is_revoked:
        told.append(f"{len(keys)} API keys of yours were revoked.")
    elif keys:
        names = "".join(f"\n  {key.prefix}  {key.name}" for key in keys[:MOST_KEYS])
        more = f"\n  and {len(keys) - MOST_KEYS} more" if len(keys) > MOST_KEYS else ""
        told.append(f"API keys of yours that still work:{names}{more}")
        told.append("If you did not make all of these, revoke them all on that page.")
    return "\n\n".join(told)


def notice_mail(user: User, what: str, *, url: str) -> Mail:
    """Return the mail that tells somebody what was changed; it holds no secret."""
    text = (
        f"Hello {user.display_name},\n\n{what}\n\n"
        "If it was not you, choose another password at once, and look through your account:\n\n"
        f"{url}{ACCOUNT_PATH}\n"
    )
    return Mail(user.email or "", "Your Headgate account was changed", text)


async def tell_change(
    database: Database, mailer: Mailer | None, *, user_id: UUID, what: str, url: str
) -> None:
    """Tell a person by mail what was changed, where mails are sent and they have an address.

    The change stands whether or not the mail goes: a mail that does not is logged.

    Args:
        database: opens the unit of work.
        mailer: sends mails; None where none can be sent.
        user_id: whom.
        what: whole sentences.
        url: the address that people use.
    """
    if mailer is None:
        return
    async with database.system() as work:
        user = await users.find_user(work, id_=user_id)
    if user is not None:
        await send_notice(mailer, user, what=what, url=url)


async def send_notice(mailer: Mailer | None, user: User, *, what: str, url: str) -> None:
    """Tell a person at the address that they are given with; see ``tell_change``."""
    await _send(mailer, user, notice_mail(user, what, url=url))


async def send_farewell(mailer: Mailer | None, user: User) -> None:
    """Tell a person whose account was deleted, as they were; see ``tell_change``."""
    text = f"Hello {user.display_name},\n\n{DELETED}\n"
    await _send(mailer, user, Mail(user.email or "", "Your Headgate account was deleted", text))


async def _send(mailer: Mailer | None, user: User, mail: Mail) -> None:
    if mailer is None or user.email is None:
        return
    try:
        await mailer.send(mail)
    except (MailNotSent, MailRefused):
        logger.warning("A person was not told that their account was changed")
