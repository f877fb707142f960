"""Looks at the keys that wrap the keys of workspaces."""

import asyncio
from collections.abc import AsyncGenerator

from headgate_server.crypto.errors import KeyProviderAway
from headgate_server.database.work import Database
from headgate_server.doctor.findings import Finding, error, well
from headgate_server.domain.errors import ConfigurationError
from headgate_server.installation import open_keyring
from headgate_server.services import kek_checks
from headgate_server.services.kek_checks import KekFinding, Standing
from headgate_server.settings import Settings

ASK_SECONDS = 20.0
CHECK = "keys"


async def examine(database: Database, *, settings: Settings) -> AsyncGenerator[Finding]:
    """Yield what is found of each version; nothing is changed."""
    try:
        keyring = open_keyring(settings)
        if keyring is None:
            yield well(CHECK, "HEADGATE_KEK names no provider of keys: blocks hold no secrets.")
            return
        async with asyncio.timeout(ASK_SECONDS):
            found = await kek_checks.examine(database, keyring.providers)
    except ConfigurationError as refused:
        yield error(CHECK, "HEADGATE_KEK cannot be used.", remedy=refused.message)
    except (KeyProviderAway, TimeoutError) as away:
        detail = away.detail if isinstance(away, KeyProviderAway) else "no answer in time"
        yield error(
            CHECK,
            f"The provider of keys does not answer: {detail}",
            remedy="Until it does, runs that need secrets wait or fail, and none can be saved.",
        )
    else:
        for one in found:
            yield _finding(one)


def _finding(one: KekFinding) -> Finding:
    name = f"Version {one.kek.version} of {one.kek.provider}:{one.kek.id}"
    if one.standing is Standing.SAME:
        return well(CHECK, f"{name} wraps {one.key_count} keys of workspaces.")
    remedy = "Put the key of that version back from your copy of it; what it wrapped is lost else."
    if one.standing is Standing.AWAY:
        remedy = "See that it can be had from here; what it wraps cannot be opened until then."
    return error(CHECK, f"{name}, which wraps {one.key_count}: {one.detail}", remedy=remedy)
