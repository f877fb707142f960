"""``headgate-server organizations``: what operators do with organizations, without a browser."""

import argparse
import asyncio
import sys

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import NotFound
from headgate_server.domain.organizations import Organization, Overview
from headgate_server.domain.quotas import Quota
from headgate_server.operating.opening import opened
from headgate_server.operating.pages import list_all
from headgate_server.operating.tables import packed, table
from headgate_server.services import allowlists, closing, organizations, quotas
from headgate_server.settings import Settings

_HEADS = ("SLUG", "ID", "MEMBERS", "WORKSPACES", "SUSPENDED")


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with organizations to the command line."""
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    listing = verbs.add_parser("list", help="every organization, by slug")
    usage = verbs.add_parser("usage", help="what an organization may use, and what it used")
    for one in (listing, usage):
        one.add_argument("-o", "--output", choices=("text", "json"), default="text")
    suspend = verbs.add_parser(
        "suspend", help="refuse its people and keys, and start nothing; what runs goes on"
    )
    suspend.add_argument("--reason", required=True, help="why; its people read it")
    resume = verbs.add_parser("resume", help="end the suspension; schedules catch up as set")
    clear = verbs.add_parser(
        "clear-allowlist", help="let an organization be reached from everywhere again"
    )
    for one in (usage, suspend, resume, clear):
        one.add_argument("slug", metavar="SLUG", help="which one")


def run(settings: Settings, parsed: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        HeadgateError: it could not be done; the message says why.
    """
    sys.stdout.write(asyncio.run(_run(settings, parsed)) + "\n")


async def _run(settings: Settings, parsed: argparse.Namespace) -> str:
    async with opened(settings, application_name="headgate-organizations") as database:
        if parsed.verb == "list":
            return await _list(database, is_json=parsed.output == "json")
        async with database.system() as work:
            if parsed.verb == "clear-allowlist":
                cleared = await allowlists.clear_networks(work, slug=parsed.slug)
                return f"{_shown(cleared)} may be reached from everywhere again."
            found = await organizations.find_by_slug(work, slug=parsed.slug)
            if found is None:
                raise NotFound("No organization has this slug.")
            if parsed.verb == "suspend":
                await closing.suspend_organization(work, id_=found.id, reason=parsed.reason)
                return f"{_shown(found)} is suspended: {parsed.reason}"
            if parsed.verb == "resume":
                await closing.resume_organization(work, id_=found.id)
                return f"{_shown(found)} goes on."
            return await _usage(work, found, is_json=parsed.output == "json")


async def _list(database: Database, *, is_json: bool) -> str:
    rows = await list_all(
        database,
        organizations.list_overviews,
        key=lambda row: (row.organization.slug, row.organization.id),
    )
    if is_json:
        return packed([_described(row) for row in rows])
    return table([_HEADS, *(_cells(row) for row in rows)])


async def _usage(work: UnitOfWork, organization: Organization, *, is_json: bool) -> str:
    rows = await quotas.list_quotas(work, organization_id=organization.id)
    if is_json:
        return packed([_described_quota(row) for row in rows])
    cells = [
        (row.kind.value, f"{row.used:,}", f"{row.limit:,}" if row.limit > 0 else "-", _whose(row))
        for row in rows
    ]
    return table([("QUOTA", "USED", "LIMIT", "SET BY"), *cells])


def _described(row: Overview) -> dict[str, object]:
    found = row.organization
    return {
        "id": ids.show(ids.Kind.ORGANIZATION, found.id),
        "slug": found.slug,
        "name": found.name,
        "members": row.member_count,
        "workspaces": row.workspace_count,
        "createdAt": row.created_at,
        "suspendedAt": found.suspended_at,
        "suspendedBecause": found.suspended_because,
    }


def _cells(row: Overview) -> tuple[str, ...]:
    found = row.organization
    return (
        found.slug,
        ids.show(ids.Kind.ORGANIZATION, found.id),
        str(row.member_count),
        str(row.workspace_count),
        found.suspended_because or "-",
    )


def _described_quota(row: Quota) -> dict[str, object]:
    return {
        "quota": row.kind.value,
        "used": row.used,
        "limit": row.limit if row.limit > 0 else None,
        "isDefault": row.is_default,
        "resetsAt": row.resets_at,
    }


def _whose(row: Quota) -> str:
    if row.limit <= 0:
        return "-"
    return "the installation" if row.is_default else "an operator"


def _shown(organization: Organization) -> str:
    return f"{organization.name} ({organization.slug})"
