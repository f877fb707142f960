"""``headgate-server audit``: what operators do with the audit log of an installation."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.audit_entries import AuditCheckpoint
from headgate_server.domain.errors import ConfigurationError
from headgate_server.operating.opening import opened
from headgate_server.services.audit_entries import checkpoints, seal, verify
from headgate_server.services.audit_entries.verify import Verdict
from headgate_server.settings import Settings

TAMPERED = 1


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with the audit log to the command line."""
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    check = verbs.add_parser(
        "verify", help="look for entries that were changed, added or taken away; exit 1 if any"
    )
    check.add_argument("--organization", metavar="ID", help="this one only, org_…")
    check.add_argument(
        "--checkpoints",
        metavar="FILE",
        type=Path,
        help="checkpoints that were kept outside the database",
    )
    check.add_argument(
        "--public-key",
        metavar="HEX",
        action="append",
        help="what they must be signed with; this installation's key if not said",
    )
    verbs.add_parser("checkpoint", help="sign every chain as it stands now, and hand that out")
    verbs.add_parser("public-key", help="print the key that checkpoints are signed with")


def run(settings: Settings, parsed: argparse.Namespace) -> None:
    """Do what the command line says; exit 1 where the log was tampered with.

    Raises:
        HeadgateError: it could not be done; the message says why.
    """
    text, status = asyncio.run(_run(settings, parsed))
    sys.stdout.write(text + "\n")
    sys.exit(status)


async def _run(settings: Settings, parsed: argparse.Namespace) -> tuple[str, int]:
    notary = checkpoints.notary_of(settings)
    if parsed.verb == "public-key":
        return notary.public_key.hex(), 0
    async with opened(settings, application_name="headgate-audit") as database:
        if parsed.verb == "checkpoint":
            return await _sign_all(database, notary), 0
        kept = _read(parsed.checkpoints)
        trusted = _trusted(parsed.public_key) or {notary.public_key}
        verdicts = await _verify(database, parsed.organization, kept=kept, trusted=trusted)
    is_tampered = any(verdict.problem is not None for verdict in verdicts)
    text = "\n".join(map(_told, verdicts)) or "Nothing was ever written to the audit log."
    return text, TAMPERED if is_tampered else 0


async def _sign_all(database: Database, notary: checkpoints.Notary) -> str:
    await seal.seal_waiting(database)
    count = 0
    async with database.system() as work:
        organizations = await verify.list_organizations(work)
    for organization_id in organizations:
        async with database.system() as work:
            signed = await checkpoints.sign_chain(work, notary, organization_id=organization_id)
        count += signed is not None
    return f"{count} chains are signed; the others had not grown."


async def _verify(
    database: Database,
    organization: str | None,
    *,
    kept: Sequence[AuditCheckpoint],
    trusted: set[bytes],
) -> list[Verdict]:
    async with database.system() as work:
        wanted = (
            await verify.list_organizations(work)
            if organization is None
            else [ids.parse(organization, kind=ids.Kind.ORGANIZATION)]
        )
    wanted += [id_ for id_ in _named(kept) if id_ not in wanted and organization is None]
    found: list[Verdict] = []
    for organization_id in wanted:
        async with database.system() as work:
            found.append(
                await verify.verify_chain(
                    work, organization_id=organization_id, kept=kept, trusted=trusted
                )
            )
    return found


def _named(kept: Sequence[AuditCheckpoint]) -> list[UUID]:
    return sorted({one.organization_id for one in kept})


def _read(file: Path | None) -> list[AuditCheckpoint]:
    if file is None:
        return []
    try:
        return checkpoints.read_file(file)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from None


def _trusted(keys: Sequence[str] | None) -> set[bytes]:
    try:
        return {bytes.fromhex(key) for key in keys or ()}
    except ValueError:
        raise ConfigurationError("A public key is 64 hexadecimal digits.") from None


def _told(verdict: Verdict) -> str:
    shown = ids.show(ids.Kind.ORGANIZATION, verdict.organization_id)
    swept = f"; swept away: {', '.join(verdict.swept)}" if verdict.swept else ""
    if verdict.problem is None:
        held = f"held against {verdict.checkpoints} checkpoints" if verdict.checkpoints else "good"
        return f"{shown}  {verdict.sealed} entries, {held}{swept}"
    where = "" if verdict.first_bad is None else f" at {verdict.first_bad}"
    return f"{shown}  TAMPERED{where}: {verdict.problem}{swept}"
