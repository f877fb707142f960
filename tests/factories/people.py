"""People who sign in: with a password, with a code of their telephone."""

from dataclasses import dataclass
from uuid import UUID

from pyotp.totp import TOTP

from headgate_server.database.work import Database
from headgate_server.domain.login_sessions import Browser, LoginCookie
from headgate_server.domain.second_factors import STEP_SECONDS
from headgate_server.domain.tenancy import Principal
from headgate_server.repositories import users as stored
from headgate_server.services import login_sessions, members, second_factors, sign_ins, users
from headgate_server.services.passwords import Hasher
from headgate_server.services.sign_ins import Attempt
from tests.factories.tenants import Tenant

PEPPER = "a pepper that only tests use"
PASSWORD = "four words make sense"
BROWSER = Browser(ip="127.0.0.1", user_agent="A browser")
HASHER_MEMORY_KIB = 8


@dataclass(slots=True)
class Person:
    id: UUID
    email: str
    password: str = PASSWORD
    totp: TOTP | None = None
    recovery_codes: tuple[str, ...] = ()


def cheap_hasher() -> Hasher:
    """Return a hasher that is quick, and as unsafe."""
    return Hasher(memory_kib=HASHER_MEMORY_KIB)


async def make_person(
    database: Database,
    *,
    owns: Tenant | None = None,
    email: str = "ada@example.com",
    password: str = PASSWORD,
) -> Person:
    """Make somebody with a password, who owns an organization or belongs to none."""
    password_hash = await cheap_hasher().hash(password)
    async with database.system() as work:
        user = await users.create_user(work, display_name="Ada", email=email)
        await stored.set_password(work, id_=user.id, password_hash=password_hash)
        if owns is not None:
            await members.add_owner(work, organization_id=owns.organization_id, user_id=user.id)
    return Person(user.id, email, password)


async def sign_in(
    database: Database,
    person: Person,
    *,
    code: str | None = None,
    former: LoginCookie | None = None,
    pepper: str = PEPPER,
) -> LoginCookie:
    """Sign in, with what the person knows and has."""
    return await sign_ins.sign_in(
        database,
        Attempt(person.email, person.password, code, BROWSER, former),
        hasher=cheap_hasher(),
        pepper=pepper,
    )


async def who(
    database: Database, cookie: LoginCookie, *, organization: str | None = None
) -> Principal:
    """Return whom a cookie speaks for."""
    return await login_sessions.authenticate(
        database, cookie, organization=organization, pepper=PEPPER
    )


async def code_of(database: Database, totp: TOTP, *, steps: int = 0) -> str:
    """Return the code that the app shows now, or some steps from now."""
    async with database.system() as work:
        return totp.at(int(work.now.timestamp()) + steps * STEP_SECONDS)


async def enrol(database: Database, person: Person) -> LoginCookie:
    """Turn a second factor on for somebody, and return the cookie of the session it was done in."""
    cookie = await sign_in(database, person)
    async with database.system() as work:
        begun = await second_factors.begin_enrolment(work, user_id=person.id, pepper=PEPPER)
    person.totp = TOTP(begun.secret)
    code = await code_of(database, person.totp, steps=-1)
    async with database.system() as work:
        done = await second_factors.confirm_enrolment(
            work, user_id=person.id, session_id=cookie.session_id, code=code, pepper=PEPPER
        )
    person.recovery_codes = tuple(done.recovery_codes)
    return done.cookie
