"""``headgate-server seed --demo``: fills an installation with the demo."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from headgate_server.core import Core
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict
from headgate_server.installation import check_secret, open_keyring
from headgate_server.operating.demo.blocks import make_blocks
from headgate_server.operating.demo.catalog import Catalog, read_catalog
from headgate_server.operating.demo.definitions import Workspace, draw_workspace
from headgate_server.operating.demo.drafts import Draft
from headgate_server.operating.demo.histories import draw_histories
from headgate_server.operating.demo.options import DemoOptions, options_of
from headgate_server.operating.demo.people import Organization, draw_organization
from headgate_server.operating.demo.presents import LongLog, draw_presents
from headgate_server.operating.demo.products import draw_products
from headgate_server.operating.opening import opened
from headgate_server.repositories import bulk_rows, organizations, run_counts, users
from headgate_server.services import object_counts
from headgate_server.services.members import add_owner
from headgate_server.services.workspace_keys import Keyring
from headgate_server.settings import Settings

_SIZES = {"meridian": 12, "halden": 7, "smallpress": 2}
"""How many people each organization has."""
_HOURS_AT_ONCE = 500


def run(settings: Settings, parsed: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        HeadgateError: it could not be done; the message says why.
    """
    sys.stdout.write(asyncio.run(_run(settings, options_of(parsed))) + "\n")


def filler(*, scale: float) -> Callable[[Core], Awaitable[str]]:
    """Return what fills a running installation with so much of the demo."""

    async def fill(core: Core) -> str:
        return await seed(
            core.database,
            DemoOptions(scale=scale, may_mix=True),
            keyring=core.keyring,
            pepper=core.settings.pepper,
        )

    return fill


async def _run(settings: Settings, options: DemoOptions) -> str:
    pepper, keyring = check_secret(settings), open_keyring(settings)
    async with opened(settings, application_name="headgate-seed") as database:
        return await seed(database, options, keyring=keyring, pepper=pepper)


async def seed(
    database: Database, options: DemoOptions, *, keyring: Keyring | None, pepper: str
) -> str:
    """Fill an installation with the demo, and return what was done.

    The same scale and moment make the same organizations, runs and logs, down to their ids; only
    blocks are made as people make them. Where the demo is already, nothing is done.

    Raises:
        Conflict: others have flows and runs here, and it was not said that this does not matter.
    """
    catalog, began_at = read_catalog(), time.monotonic()
    slugs = list(catalog.organizations)
    async with database.system() as work:
        if await organizations.find_by_slug(work, slug=slugs[0]) is not None:
            return f"The demo is here already, in the organizations {', '.join(slugs)}."
        used = await bulk_rows.find_used_workspaces(work, beside=slugs)
        if used and not options.may_mix:
            raise Conflict(
                f"{', '.join(used[:5])} has flows or runs of its own. Seed an installation that is "
                "empty, or add --beside-real-data; the demo is in organizations of its own."
            )
        now = work.now
    draft = Draft((options.at or now).replace(microsecond=0), scale=options.scale)
    workspaces, owned, log = await asyncio.to_thread(draw_demo, draft, catalog)
    count = await _insert(database, draft, log)
    for workspace in workspaces:
        await make_blocks(database, workspace, keyring=keyring, pepper=pepper)
    is_owned = await _settle(database, owned, email=options.owner)
    await _count_runs(database)
    lines = log.count + len(draft.rows["logs"])
    return (
        f"The demo is there: {len(draft.rows['flow_runs']):,} runs and {lines:,} lines of logs, "
        f"{count + log.count:,} rows in {time.monotonic() - began_at:.1f} s; the organizations "
        f"{', '.join(slugs)}{f' are owned by {options.owner}' if is_owned else ''}."
    )


def draw_demo(
    draft: Draft, catalog: Catalog
) -> tuple[list[Workspace], list[Organization], LongLog]:
    """Draw all of it, without a database; the log of many lines is only planned."""
    owned = {
        slug: draw_organization(draft, slug=slug, name=name, size=_SIZES[slug])
        for slug, name in catalog.organizations.items()
    }
    workspaces = [draw_workspace(draft, site, owned[site.organization]) for site in catalog.sites]
    beside, log = draw_presents(draft, workspaces)
    draw_histories(draft, workspaces, beside=beside)
    for workspace in workspaces:
        draw_products(draft, workspace)
    draft.rows["events"].sort(key=lambda row: row["occurred_at"])
    return workspaces, list(owned.values()), log


async def _insert(database: Database, draft: Draft, log: LongLog) -> int:
    """Insert everything in one transaction: the demo is there, or it is not."""
    async with database.system() as work:
        events = draft.rows["events"]
        numbers = await bulk_rows.take_event_numbers(work, len(events))
        for event, number in zip(events, numbers, strict=True):
            event["sequence"] = number
        count = await bulk_rows.insert_rows(work, draft.rows)
        await bulk_rows.fill_log(
            work,
            workspace_id=log.workspace_id,
            run_id=log.run_id,
            since=log.since,
            count=log.count,
        )
        await bulk_rows.mark_uncounted_hours(work)
    return count


async def _settle(database: Database, owned: list[Organization], *, email: str) -> bool:
    async with database.system() as work:
        owner = await users.find_by_email(work, email=email)
        for organization in owned:
            if owner is not None:
                await add_owner(work, organization_id=organization.id, user_id=owner.id)
            await object_counts.note_closed(work, organization_id=organization.id)
    return owner is not None


async def _count_runs(database: Database) -> None:
    while True:
        async with database.system() as work:
            if not await run_counts.refresh(work, marked_for=timedelta(0), most=_HOURS_AT_ONCE):
                return
