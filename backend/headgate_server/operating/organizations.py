"""``headgate-server organizations``: what operators do where nobody of an organization can."""

import argparse
import asyncio
import sys

from headgate_server.operating.opening import opened
from headgate_server.services import allowlists
from headgate_server.settings import Settings


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with organizations to the command line."""
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    clear = verbs.add_parser(
        "clear-allowlist", help="let an organization be reached from everywhere again"
    )
    clear.add_argument("slug", metavar="SLUG", help="which one")


def run(settings: Settings, parsed: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        HeadgateError: it could not be done; the message says why.
    """
    sys.stdout.write(asyncio.run(_clear(settings, parsed.slug)) + "\n")


async def _clear(settings: Settings, slug: str) -> str:
    async with (
        opened(settings, application_name="headgate-organizations") as database,
        database.system() as work,
    ):
        cleared = await allowlists.clear_networks(work, slug=slug)
    return f"{cleared.name} ({cleared.slug}) may be reached from everywhere again."
