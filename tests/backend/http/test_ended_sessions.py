"""What was begun in a session, or with an identity, that has ended meanwhile goes no further."""

import asyncio
import base64
import hashlib

import pytest

from headgate_server.domain.cli_logins import Wish
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.identities import Identity, Provider, SignInRefused
from headgate_server.domain.login_sessions import LoginSession
from headgate_server.services import cli_logins, email_changes, identities, login_sessions
from headgate_server.services.identities import Arrival
from tests.factories.databases import somebody_waits
from tests.factories.people import Person, make_person, sign_in
from tests.fixtures.deadlines import eventually
from tests.fixtures.forging_issuer import CLIENT_ID
from tests.fixtures.installations import PEPPER, Installation
from tests.fixtures.provider_worlds import ProviderWorld

pytestmark = pytest.mark.anyio

VERIFIER = "a verifier of more than forty-three characters, all random"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


async def test_sign_in_that_is_under_way_as_its_identity_is_unlinked_is_refused(
    provider_world: ProviderWorld,
) -> None:
    world, database = provider_world, provider_world.installation.database
    person = await make_person(database, owns=world.tenant)
    await world.own(person.id)
    cookie = await sign_in(database, person)
    provider = Provider("okta", "Okta", world.issuer.url, CLIENT_ID)
    identity = Identity(world.issuer.url, world.issuer.subject, email=None, display_name="Ada")

    async with database.system() as work:
        (linked,) = await identities.list_identities(work, user_id=person.id)
        await identities.unlink(
            work,
            user_id=person.id,
            session_id=cookie.session_id,
            id_=linked.id,
            providers=[provider],
        )
        arriving = asyncio.create_task(
            identities.sign_in(
                database, provider, Arrival(identity, "state"), providers=[provider], pepper=PEPPER
            )
        )
        async with database.system() as other:
            await eventually(lambda: somebody_waits(other), what="the sign-in that waits")

    with pytest.raises(SignInRefused, match="unlinked meanwhile"):
        await arriving
    async with database.system() as work:
        left = await login_sessions.list_sessions(work, user_id=person.id)
    assert [one.id for one in left] == [cookie.session_id]


async def ended(installation: Installation, person: Person) -> LoginSession:
    """Return a session as a request found it, of somebody who has signed out everywhere since."""
    database = installation.database
    cookie = await sign_in(database, person)
    session = await login_sessions.find_session(database, cookie, pepper=PEPPER)
    async with database.system() as work:
        await login_sessions.sign_out_everywhere(work, user_id=person.id)
    return session


async def test_no_terminal_is_let_in_from_a_session_that_has_ended(
    installation: Installation, person: Person
) -> None:
    session = await ended(installation, person)
    async with installation.database.system() as work:
        (place,) = await cli_logins.list_organizations(work, user_id=person.id)

    with pytest.raises(Unauthenticated):
        async with installation.database.system() as work:
            await cli_logins.allow_browser(
                work,
                wish=Wish("a laptop"),
                challenge=CHALLENGE.decode(),
                session=session,
                organization_id=place.id,
                pepper=PEPPER,
            )


async def test_no_link_is_mailed_for_who_asked_in_a_session_that_has_ended(
    installation: Installation, person: Person
) -> None:
    session = await ended(installation, person)

    async with installation.database.system() as work:
        token = await email_changes.begin(work, session, email="new@example.com", pepper=PEPPER)

    assert token is None
