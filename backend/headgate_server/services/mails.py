"""Mails to people: what they say, and the server that takes them."""

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import aiosmtplib

from headgate_server.domain.errors import ConfigurationError, InvalidInput, Unavailable
from headgate_server.domain.users import User, check_email
from headgate_server.settings import Settings

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 15.0
TRIES = 3
PATIENCE_SECONDS = 60.0
"""For all tries of a mail that nobody waits for."""
WAITED_SECONDS = 7.0
"""The same where somebody does: below what an operation may take, so that they are told why."""
PAUSE_SECONDS = 1.0
STARTTLS, TLS = "starttls", "tls"
_RETRYABLE_CODES = range(400, 500)


class MailNotSent(Unavailable):
    """The mail server did not take the mail; try again in a moment."""


class MailRefused(InvalidInput):
    """The mail server takes no mail to this address; correct it, or ask who runs that server."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What somebody is sent. The text holds a secret link: it is never shown."""

    to: str
    subject: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in.

    Args:
        host: its name.
        port: 587 with STARTTLS, 465 with TLS.
        sender: whom mails are from.
        security: starttls, tls or none.
        username: empty to hand mails in without one.
        password: of the username.
        context: whose certificates are believed; None for those of the system.
    """

    host: str
    port: int
    sender: str
    security: str = STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = None


def open_mailer(settings: Settings) -> "Mailer | None":
    """Return what sends mails; None where no mail server is set.

    Raises:
        ConfigurationError: it is set without an address that mails are from.
    """
    if not settings.smtp_host:
        return None
    try:
        sender = check_email(settings.mail_from)
    except InvalidInput:
        raise ConfigurationError(
            "Set HEADGATE_MAIL_FROM to the address that mails are from, such as "
            "headgate@example.com."
        ) from None
    return Mailer(
        MailServer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=sender,
            security=settings.smtp_security,
            username=settings.smtp_username,
            password=settings.smtp_password,
        )
    )


class Mailer:
    """Hands mails to one server, a few times if it must."""

    def __init__(self, server: MailServer, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._server = server
        self._pause_seconds = pause_seconds

    async def send(self, mail: Mail, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Hand a mail in; never inside a transaction.

        Args:
            mail: which.
            patience_seconds: for all tries; ``WAITED_SECONDS`` where somebody waits.

        Raises:
            MailNotSent: the server is away, hangs, or refuses the mail.
            MailRefused: it refuses the address for good.
        """
        try:
            async with asyncio.timeout(patience_seconds):
                await self._try(mail)
        except TimeoutError:
            logger.warning("A mail was not taken within %.0f s", patience_seconds)
            raise MailNotSent from None

    async def _try(self, mail: Mail) -> None:
        message = self._message(mail)
        for left in reversed(range(TRIES)):
            try:
                await self._hand_in(message, to=mail.to)
            except (aiosmtplib.SMTPException, OSError) as error:
                logger.warning("A mail was not taken: %s", _told(error))
                if left and _is_retryable(error):
                    await asyncio.sleep(self._pause_seconds)
                elif isinstance(error, aiosmtplib.SMTPRecipientsRefused) and not _is_retryable(
                    error
                ):
                    raise MailRefused from None
                else:
                    raise MailNotSent from None
            else:
                return

    async def _hand_in(self, message: EmailMessage, *, to: str) -> None:
        server = self._server
        await aiosmtplib.send(
            message,
            sender=server.sender,
            recipients=[to],
            hostname=server.host,
            port=server.port,
            username=server.username or None,
            password=server.password or None,
            use_tls=server.security == TLS,
            start_tls=server.security == STARTTLS,
            tls_context=server.context,
            timeout=ANSWER_SECONDS,
        )

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._server.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def reset_mail(user: User, link: str) -> Mail:
    """Return the mail by which somebody chooses a password."""
    text = (
        f"Hello {user.display_name},\n\n"
        "somebody, we hope you, asked to choose a new password for Headgate. Open this link within "
        "an hour; it is good once:\n\n"
        f"{link}\n\n"
        "If it was not you, do nothing: your password stays as it is.\n"
    )
    return Mail(user.email or "", "Choose a new password for Headgate", text)


def address_mail(user: User, link: str, *, to: str) -> Mail:
    """Return the mail by which somebody shows that an address is theirs."""
    text = (
        f"Hello {user.display_name},\n\n"
        "this address is to be that of your Headgate account. Open this link within a day to make "
        "it so; it is good once, and you sign in again after it:\n\n"
        f"{link}\n\n"
        "If it was not you, do nothing.\n"
    )
    return Mail(to, "Your new address for Headgate", text)


def invitation_mail(
    *, to: str, organization: str, invited_by: str, link: str, expires_at: datetime
) -> Mail:
    """Return the mail by which somebody joins an organization."""
    text = (
        f"Hello,\n\n{invited_by} invites you to {organization} on Headgate. Open this link to "
        f"join; it is good once, until {expires_at:%d %B %Y, %H:%M} UTC:\n\n"
        f"{link}\n\n"
        "If you expected no invitation, do nothing.\n"
    )
    return Mail(to, f"Join {organization} on Headgate", text)


def redirected_mail(
    *, user: User, organization: str, invited_by: str, link: str, expires_at: datetime
) -> Mail:
    """Return the mail to who has an account already, and was invited as somebody new."""
    text = (
        f"Hello {user.display_name},\n\n{invited_by} invites you to {organization} on Headgate, "
        "and somebody opened the invitation and tried to make an account with your address. You "
        "have one, and nothing of it was changed. To join with it, open this link, which takes "
        f"the place of the former one, and is good once, until {expires_at:%d %B %Y, %H:%M} UTC:"
        f"\n\n{link}\n\n"
        "If you expected no invitation, do nothing.\n"
    )
    return Mail(user.email or "", f"Join {organization} on Headgate with your account", text)


def _is_retryable(error: Exception) -> bool:
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return False
        case aiosmtplib.SMTPRecipientsRefused():
            return all(one.code in _RETRYABLE_CODES for one in error.recipients)
        case aiosmtplib.SMTPResponseException():
            return error.code in _RETRYABLE_CODES
        case _:
            return not isinstance(error, aiosmtplib.SMTPNotSupported | ssl.SSLError)


def _told(error: Exception) -> str:
    """Return what went wrong, without the address or the text of the mail."""
    code = getattr(error, "code", "")
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        code = " ".join(str(one.code) for one in error.recipients)
    return f"{type(error).__name__} {code}".rstrip()
