"""How many objects an organization has: room is taken as they are made, and counted by a loop."""

from datetime import timedelta
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.quotas import OBJECT_KINDS, QuotaExceeded, QuotaKind
from headgate_server.repositories import object_counts as stored

COUNTED_AT_ONCE = 500
COUNTED_AGAIN_AFTER = timedelta(hours=1)

read_counts = stored.read_counts


async def claim(
    work: UnitOfWork, kind: QuotaKind, *, organization_id: UUID | None = None, amount: int = 1
) -> None:
    """Take room for objects that this transaction makes; one statement, and no lock.

    Raises:
        QuotaExceeded: the organization has as many as it may. What others make at this moment is
            not seen: a quota may be exceeded by as many as are made at once.
    """
    full = await stored.claim(work, kind, organization_id=organization_id, amount=amount)
    if full is not None:
        raise QuotaExceeded(full)


async def release(
    work: UnitOfWork, kind: QuotaKind, *, organization_id: UUID | None = None, amount: int = 1
) -> None:
    """Give back the room of objects that this transaction deletes."""
    if amount > 0:
        await stored.claim(work, kind, organization_id=organization_id, amount=-amount)


async def note_closed(work: UnitOfWork, *, organization_id: UUID) -> None:
    """Have an organization counted anew: a workspace of it was closed with all that is in it."""
    for kind in sorted(OBJECT_KINDS):
        await stored.claim(work, kind, organization_id=organization_id, amount=0)


async def count_changed(work: UnitOfWork) -> int:
    """Count what changed since it was last counted, and runs at once.

    Returns:
        How many counts were made: ``COUNTED_AT_ONCE`` where there may be more to make; none where
        another scheduler is counting.
    """
    if not await stored.is_counter(work):
        return 0
    changed = await stored.list_changed(work, older_than=COUNTED_AGAIN_AFTER, most=COUNTED_AT_ONCE)
    for kind, organization_ids in sorted(changed.items()):
        await stored.count_objects(work, kind, organization_ids=organization_ids)
    await stored.count_runs_at_once(work)
    return sum(len(organization_ids) for organization_ids in changed.values())
