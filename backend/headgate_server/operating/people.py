"""``headgate-server people``: what operators do for people, and about them, without a browser."""

import argparse
import asyncio
import sys

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.users import PersonStanding, User
from headgate_server.operating.opening import opened
from headgate_server.operating.pages import list_all
from headgate_server.operating.tables import packed, table
from headgate_server.services import erasures, mails, notices, people
from headgate_server.settings import Settings

_HEADS = ("EMAIL", "NAME", "ORGANIZATIONS", "SECOND FACTOR", "LAST SEEN", "STANDING")
_TAKEN = (
    "An operator of this installation took your second factor away; every session has ended. "
    "Sign in, and turn another one on."
)


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Add what can be done for people, and about them, to the command line."""
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    listing = verbs.add_parser("list", help="everybody, in the order in which they came")
    listing.add_argument("-o", "--output", choices=("text", "json"), default="text")
    told = {
        "suspend": "keep somebody out: sessions end, keys are refused; deployments run on",
        "resume": "let them in again; their keys work again",
        "end-sessions": "sign somebody out everywhere",
        "remove-second-factor": "help who lost theirs with its recovery codes; be sure who asks",
        "delete": "delete an account for good; what it made stays, without its name",
        "operator": "let somebody run the installation, or no more",
    }
    for name, help_ in told.items():
        verb = verbs.add_parser(name, help=help_)
        verb.add_argument("email", metavar="EMAIL", help="the address of their account")
        if name == "operator":
            way = verb.add_mutually_exclusive_group(required=True)
            way.add_argument("--on", action="store_true", help="they may from now on")
            way.add_argument(
                "--off", action="store_true", help="they may no more, and are signed out everywhere"
            )


def run(settings: Settings, parsed: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        HeadgateError: it could not be done; the message says why.
    """
    sys.stdout.write(asyncio.run(_run(settings, parsed)) + "\n")


async def _run(settings: Settings, parsed: argparse.Namespace) -> str:
    async with opened(settings, application_name="headgate-people") as database:
        if parsed.verb == "list":
            return await _list(database, is_json=parsed.output == "json")
        async with database.system() as work:
            done, said = await _change(work, parsed)
        if parsed.verb == "remove-second-factor":
            mailer = mails.open_mailer(settings)
            await notices.send_notice(mailer, done, what=_TAKEN, url=settings.url)
        if parsed.verb == "delete":
            await notices.send_farewell(mails.open_mailer(settings), done)
        return said


async def _change(work: UnitOfWork, parsed: argparse.Namespace) -> tuple[User, str]:
    email = parsed.email
    match parsed.verb:
        case "suspend":
            done = await people.suspend_person(work, email=email)
            return done, f"{_shown(done)} is suspended."
        case "resume":
            done = await people.resume_person(work, email=email)
            return done, f"{_shown(done)} may sign in again."
        case "end-sessions":
            done, count = await people.end_sessions(work, email=email)
            return done, f"{_shown(done)} is signed out; sessions that ended: {count}."
        case "remove-second-factor":
            done = await people.remove_second_factor(work, email=email)
            return done, f"{_shown(done)} has no second factor any more."
        case "delete":
            done = await erasures.delete_person(work, email=email)
            return done, f"{_shown(done)} is deleted; what they made will not name them any more."
        case _:
            done = await people.set_operator(work, email=email, is_operator=parsed.on)
            what = "runs" if parsed.on else "no longer runs"
            return done, f"{_shown(done)} {what} the installation."


async def _list(database: Database, *, is_json: bool) -> str:
    rows = await list_all(database, people.list_people, key=lambda row: (row.user.id,))
    if is_json:
        return packed([_described(row) for row in rows])
    return table([_HEADS, *(_cells(row) for row in rows)])


def _described(row: PersonStanding) -> dict[str, object]:
    return {
        "id": ids.show(ids.Kind.USER, row.user.id),
        "email": row.user.email,
        "isEmailVerified": row.user.is_email_verified,
        "displayName": row.user.display_name,
        "organizations": row.organization_count,
        "hasSecondFactor": row.has_second_factor,
        "lastSeenAt": row.last_seen_at,
        "isOperator": row.is_operator,
        "suspendedAt": row.suspended_at,
    }


def _cells(row: PersonStanding) -> tuple[str, ...]:
    standing = [
        *(["suspended"] if row.suspended_at is not None else []),
        *(["operator"] if row.is_operator else []),
    ]
    return (
        row.user.email or "-",
        row.user.display_name,
        str(row.organization_count),
        "on" if row.has_second_factor else "-",
        f"{row.last_seen_at:%Y-%m-%dT%H:%MZ}" if row.last_seen_at is not None else "-",
        ", ".join(standing) or "-",
    )


def _shown(user: User) -> str:
    return f"{user.display_name} ({user.email})"
