"""``headgate-server keys``: what operators do with the keys of an installation."""

import argparse
import asyncio
import sys
from uuid import UUID

from headgate_server.crypto.errors import KeyProviderAway
from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.errors import ConfigurationError
from headgate_server.installation import open_keyring
from headgate_server.operating.opening import opened
from headgate_server.services import kek_checks, workspace_keys
from headgate_server.services.kek_checks import Standing
from headgate_server.services.workspace_keys import Keyring
from headgate_server.settings import Settings


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with keys to the command line."""
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    verbs.add_parser("status", help="how many keys each version of each provider wraps")
    verbs.add_parser("rotate-kek", help="wrap every key with the provider's newest version")
    rotate = verbs.add_parser(
        "rotate-workspace", help="give a workspace a new key and seal its values anew"
    )
    rotate.add_argument("workspace", help="the workspace's id, ws_…")
    rotate.add_argument(
        "--resume", action="store_true", help="go on with a rotation that was cut short"
    )
    destroy = verbs.add_parser("destroy", help="destroy a workspace's keys: its secrets are lost")
    destroy.add_argument("workspace", help="the workspace's id, ws_…")
    destroy.add_argument("--confirm", metavar="ID", help="the workspace's id once more")


def run(settings: Settings, parsed: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        HeadgateError: it could not be done; the message says why.
    """
    try:
        told = asyncio.run(_run(settings, parsed))
    except KeyProviderAway as away:
        raise ConfigurationError(away.detail) from None
    sys.stdout.write(told + "\n")


async def _run(settings: Settings, parsed: argparse.Namespace) -> str:
    keyring = open_keyring(settings)
    async with opened(settings, application_name="headgate-keys") as database:
        if parsed.verb == "destroy":
            return await _destroy(database, parsed)
        if keyring is None:
            raise ConfigurationError("Set HEADGATE_KEK: no provider of keys is named.")
        if parsed.verb == "status":
            return await _status(database, keyring)
        if parsed.verb == "rotate-kek":
            done = await workspace_keys.rewrap(database, keyring)
            return f"{done.key_count} keys are wrapped anew, by version {done.kek.version}."
        workspace_id = _workspace(parsed.workspace)
        seal_anew = workspace_keys.reseal if parsed.resume else workspace_keys.rotate
        count = await seal_anew(database, keyring, workspace_id=workspace_id)
        return f"{count} values are sealed anew."


async def _destroy(database: Database, parsed: argparse.Namespace) -> str:
    workspace_id = _workspace(parsed.workspace)
    if parsed.confirm != parsed.workspace:
        raise ConfigurationError(
            f"Every secret of {parsed.workspace} will be lost for ever; if that is meant, add "
            f"--confirm {parsed.workspace}"
        )
    count = await workspace_keys.destroy(database, workspace_id=workspace_id)
    return f"{count} keys are destroyed."


async def _status(database: Database, keyring: Keyring) -> str:
    found = await kek_checks.examine(database, keyring.providers)
    newest = found[0].kek
    lines = [f"Keys are wrapped by {newest.provider}:{newest.id}, version {newest.version}."]
    for one in found:
        note = "" if one.is_newest else "  (rotate-kek, before this version is taken away)"
        if one.standing is not Standing.SAME:
            note = f"  ({one.standing}: {one.detail})"
        if one.key_count or note:
            kek = one.kek
            lines.append(
                f"{one.key_count:>8}  {kek.provider}:{kek.id}  version {kek.version}{note}"
            )
    return "\n".join(lines)


def _workspace(text: str) -> UUID:
    return ids.parse(text, kind=ids.Kind.WORKSPACE)
