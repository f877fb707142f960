"""Mails, handed in to a mail server that others wrote."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
import trustme

from headgate_server.domain.errors import ConfigurationError
from headgate_server.graphql.limits.rules import OPERATION_TIMEOUT_SECONDS
from headgate_server.services.mails import (
    WAITED_SECONDS,
    Mail,
    Mailer,
    MailNotSent,
    MailRefused,
    MailServer,
    open_mailer,
)
from headgate_server.settings import Settings
from tests.fixtures.network import free_port
from tests.fixtures.post_office import PASSWORD, USERNAME, PostOffice, open_post_office

pytestmark = pytest.mark.anyio

MAIL = Mail("ada@example.com", "Hello", "Grüße: http://127.0.0.1/x#token")
SENDER = "headgate@example.com"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # untyped
    return context


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]  # untyped
    return context


@pytest.fixture
async def office() -> AsyncGenerator[PostOffice]:
    async with open_post_office() as office:
        yield office


def server(office: PostOffice, *, security: str = "none") -> MailServer:
    return MailServer("127.0.0.1", office.port, SENDER, security=security)


async def test_mail_arrives_whole(office: PostOffice) -> None:
    await Mailer(server(office)).send(MAIL)

    letter = await office.take()
    assert (letter.sender, letter.recipients) == (SENDER, ("ada@example.com",))
    assert (letter.to, str(letter.message["From"])) == ("ada@example.com", SENDER)
    assert str(letter.message["Subject"]) == "Hello"
    assert letter.text == f"{MAIL.text}\n"
    assert str(letter.message["Auto-Submitted"]) == "auto-generated"


async def test_starttls_and_a_password(certificate: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with open_post_office(starttls=certificate) as office:
        at = replace(
            server(office, security="starttls"),
            context=trust,
            username=USERNAME,
            password=PASSWORD,
        )
        await Mailer(at).send(MAIL)
        letter = await office.take()

    assert (letter.is_encrypted, letter.is_authenticated) == (True, True)


async def test_tls_from_the_start(certificate: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with open_post_office(tls=certificate) as office:
        await Mailer(replace(server(office, security="tls"), context=trust)).send(MAIL)

        assert (await office.take()).to == "ada@example.com"


async def test_nothing_is_sent_to_a_server_that_nobody_vouches_for(
    certificate: ssl.SSLContext,
) -> None:
    async with open_post_office(starttls=certificate) as office:
        with pytest.raises(MailNotSent):
            await Mailer(server(office, security="starttls")).send(MAIL)

        assert office.letters.empty()


async def test_nothing_is_sent_in_the_clear_where_starttls_is_wanted(office: PostOffice) -> None:
    with pytest.raises(MailNotSent):
        await Mailer(server(office, security="starttls")).send(MAIL)

    assert office.letters.empty()


async def test_wrong_password_is_tried_once(
    certificate: ssl.SSLContext, trust: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_post_office(starttls=certificate) as office:
        at = replace(
            server(office, security="starttls"), context=trust, username=USERNAME, password="no"
        )
        with pytest.raises(MailNotSent):
            await Mailer(at).send(MAIL)

    (line,) = [one.getMessage() for one in caplog.records if one.name.endswith("services.mails")]
    assert line == "A mail was not taken: SMTPAuthenticationError 535"


async def test_server_that_is_busy_is_asked_again(office: PostOffice) -> None:
    office.refusals = ["451 try later", "451 try later"]

    await Mailer(server(office), pause_seconds=0).send(MAIL)

    assert (await office.take()).to == "ada@example.com"


@pytest.mark.parametrize("answers", [["550 no"], ["451 later"] * 3])
async def test_mail_that_is_refused_is_told(
    office: PostOffice, answers: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    office.refusals = list(answers)

    with pytest.raises(MailNotSent):
        await Mailer(server(office), pause_seconds=0).send(MAIL)

    assert office.refusals == []
    assert "token" not in caplog.text
    assert "ada@example.com" not in caplog.text


@pytest.mark.parametrize(
    ("answer", "refusal", "tries"), [("554 no", MailRefused, 1), ("451 later", MailNotSent, 3)]
)
async def test_address_that_is_refused_for_good_is_told(
    office: PostOffice,
    answer: str,
    refusal: type[Exception],
    tries: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    office.recipient = answer

    with pytest.raises(refusal):
        await Mailer(server(office), pause_seconds=0).send(MAIL)

    said = [one.getMessage() for one in caplog.records if one.name.endswith("services.mails")]
    assert said == [f"A mail was not taken: SMTPRecipientsRefused {answer[:3]}"] * tries


async def test_server_that_hangs_is_told_in_time(
    office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    office.is_hanging = True

    with pytest.raises(MailNotSent):
        await Mailer(server(office)).send(MAIL, patience_seconds=0.2)

    said = [one.getMessage() for one in caplog.records if one.name.endswith("services.mails")]
    assert said == ["A mail was not taken within 0 s"]


def test_who_waits_for_a_mail_is_told_before_the_operation_ends() -> None:
    assert WAITED_SECONDS + 2 < OPERATION_TIMEOUT_SECONDS


async def test_server_that_is_away_is_told() -> None:
    at = MailServer("127.0.0.1", free_port(), SENDER, security="none")

    async with asyncio.timeout(10):
        with pytest.raises(MailNotSent):
            await Mailer(at, pause_seconds=0).send(MAIL)


@pytest.mark.parametrize("sender", ["", "nobody", "a@example.com, b@example.com"])
def test_sender_is_one_address(sender: str) -> None:
    with pytest.raises(ConfigurationError, match="HEADGATE_MAIL_FROM"):
        open_mailer(Settings(smtp_host="127.0.0.1", mail_from=sender))


def test_nothing_secret_is_shown() -> None:
    at = MailServer("127.0.0.1", 25, SENDER, password="hunter2")

    assert "hunter2" not in f"{at!r}{Settings(smtp_password='hunter2')!r}"
    assert "token" not in repr(MAIL)
    assert open_mailer(Settings()) is None
