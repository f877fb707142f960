"""Giving entries their place in the chain, a few seconds after they were written."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from uuid import UUID

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.audit_entries import AuditEntry, AuditHead, AuditSeal, link
from headgate_server.repositories import audit_entries

ENTRIES_AT_ONCE = 500
ORGANIZATIONS_AT_ONCE = 100


async def seal_waiting(database: Database) -> int:
    """Seal all that waits, as ``iter_sealed`` does; how many entries there were."""
    return sum([sealed async for sealed in iter_sealed(database)])


async def iter_sealed(database: Database) -> AsyncGenerator[int]:
    """Seal the entries that wait for their place in an organization's chain as this begins.

    One transaction for up to ``ENTRIES_AT_ONCE`` entries of an organization: a replica that dies
    in between leaves them waiting. Two replicas take turns at the chain's head. What is written
    meanwhile may be sealed, too, but is not waited for.

    Yields:
        How many each time.
    """
    async with database.system() as work:
        began_at = work.now
        waiting = await audit_entries.list_waiting(work, until=began_at, most=ORGANIZATIONS_AT_ONCE)
    while waiting:
        for organization_id in waiting:
            async with database.system() as work:
                sealed = await seal_entries(work, organization_id=organization_id)
            yield sealed
        async with database.system() as work:
            waiting = await audit_entries.list_waiting(
                work, until=began_at, most=ORGANIZATIONS_AT_ONCE
            )


async def seal_entries(work: UnitOfWork, *, organization_id: UUID) -> int:
    """Seal the entries of one organization that wait longest; how many."""
    head = await audit_entries.lock_head(work, organization_id=organization_id)
    entries = await audit_entries.take_unsealed(
        work, organization_id=organization_id, most=ENTRIES_AT_ONCE
    )
    if not entries:
        return 0
    seals = chain(head, entries)
    last = seals[-1][1]
    grown = replace(head, sequence=last.sequence, hash=last.hash)
    await audit_entries.insert_seals(work, head=grown, seals=seals)
    return len(seals)


def chain(head: AuditHead, entries: list[AuditEntry]) -> list[tuple[UUID, AuditSeal]]:
    """Return the seals of entries behind a head, in order, by entry."""
    previous, sequence = head.hash, head.sequence
    seals: list[tuple[UUID, AuditSeal]] = []
    for entry in entries:
        sequence += 1
        previous = link(previous, entry, sequence=sequence)
        seals.append((entry.id, AuditSeal(sequence, previous)))
    return seals
