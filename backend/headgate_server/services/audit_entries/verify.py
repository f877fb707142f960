"""Walking a chain from its beginning: what was changed behind its back, and where first."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.audit_entries import (
    GENESIS,
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    ChainLink,
    link,
)
from headgate_server.repositories import audit_entries
from headgate_server.services.audit_entries.checkpoints import is_genuine

SEALS_AT_ONCE = 1_000

list_organizations = audit_entries.list_organizations


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along a chain found.

    Args:
        organization_id: whose chain.
        sealed: how many links were found good.
        checkpoints: how many checkpoints they were held against.
        first_bad: the number of the first link that is wrong or missing; None where none is, or
            where what is wrong has no number.
        problem: what is wrong; None where nothing is.
        swept: what the good links say was deleted and swept away, in order: each its kind and name.
    """

    organization_id: UUID
    sealed: int
    checkpoints: int = 0
    first_bad: int | None = None
    problem: str | None = None
    swept: tuple[str, ...] = ()


class _Tampered(Exception):
    def __init__(self, sequence: int | None, problem: str) -> None:
        super().__init__(problem)
        self.sequence = sequence


async def verify_chain(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    kept: Sequence[AuditCheckpoint] = (),
    trusted: Collection[bytes] | None = None,
) -> Verdict:
    """Check every link, every entry and every checkpoint of an organization.

    Its log outlives it, and says that it was deleted: one that is gone without that was taken away.

    Whoever can write to the database can make a new chain of their own; only checkpoints that were
    kept elsewhere, and the keys they must be signed with, show that. The chain may grow meanwhile:
    it is followed to where it ended as this began.

    Args:
        work: a unit of work of the system, or of the organization.
        organization_id: whose chain.
        kept: checkpoints from outside the database; those of other organizations are passed over.
        trusted: public keys; a checkpoint of another is taken for forged. None trusts any key.
    """
    stored = await audit_entries.list_checkpoints(work, organization_id=organization_id)
    head = await audit_entries.find_head(work, organization_id=organization_id)
    checkpoints = [*stored, *(one for one in kept if one.organization_id == organization_id)]
    walk = _Walk(organization_id, checkpoints)
    first_bad, problem = None, None
    try:
        _check_signatures(checkpoints, trusted)
        await walk.along(work, to=sys.maxsize if head is None else head.sequence)
        if head is None and walk.last:
            # It was sealed for the first time meanwhile, and perhaps grew since.
            head = await audit_entries.find_head(work, organization_id=organization_id)
            await walk.along(work, to=0 if head is None else head.sequence)
        await _check_ends(work, walk, head=head)
    except _Tampered as found:
        first_bad, problem = found.sequence, str(found)
    return Verdict(
        organization_id, walk.last, len(checkpoints), first_bad, problem, tuple(walk.swept)
    )


class _Walk:
    def __init__(self, organization_id: UUID, checkpoints: Sequence[AuditCheckpoint]) -> None:
        self.organization_id = organization_id
        self.last, self.hash = 0, GENESIS
        self.swept: list[str] = []
        self.furthest = max((one.sequence for one in checkpoints), default=0)
        self._wanted: dict[int, set[bytes]] = {}
        for one in checkpoints:
            self._wanted.setdefault(one.sequence, set()).add(one.hash)

    async def along(self, work: UnitOfWork, *, to: int) -> None:
        """Follow the chain to a number, or to its end if that comes first."""
        while self.last < to:
            links = await audit_entries.list_chain(
                work,
                organization_id=self.organization_id,
                after=self.last,
                most=min(SEALS_AT_ONCE, to - self.last),
            )
            for one in links:
                self._step(one)
            if not links:
                return

    def _step(self, one: ChainLink) -> None:
        expected, seal, entry = self.last + 1, one.seal, one.entry
        if seal.sequence != expected:
            raise _Tampered(expected, "this link is missing")
        if not one.has_entry:
            raise _Tampered(expected, "its entry is gone")
        if entry is None or _hash_of(entry, self.hash, sequence=expected) != seal.hash:
            raise _Tampered(expected, "the entry is not the one that was sealed")
        if self._wanted.get(expected, {seal.hash}) != {seal.hash}:
            raise _Tampered(expected, "a checkpoint says otherwise: the chain was made anew")
        self.last, self.hash = expected, seal.hash
        if entry.is_sweep:
            self.swept.append(f"{entry.target.kind} {entry.target.name}")


def _hash_of(entry: AuditEntry, previous: bytes, *, sequence: int) -> bytes | None:
    """Return the hash of an entry in its place; None where it says what none can say."""
    try:
        return link(previous, entry, sequence=sequence)
    except (ValueError, TypeError, OverflowError):
        return None


def _check_signatures(
    checkpoints: Sequence[AuditCheckpoint], trusted: Collection[bytes] | None
) -> None:
    for one in checkpoints:
        if not is_genuine(one):
            raise _Tampered(one.sequence, "the signature of its checkpoint is wrong")
        if trusted is not None and one.public_key not in trusted:
            raise _Tampered(one.sequence, "its checkpoint is signed with a key that is not trusted")


async def _check_ends(work: UnitOfWork, walk: _Walk, *, head: AuditHead | None) -> None:
    """Check that nothing is missing at the end, and nothing lies behind it or beside the chain.

    Each question is one statement: what is written and sealed meanwhile is in it whole or not.
    """
    reached = max(walk.furthest, 0 if head is None else head.sequence)
    if reached > walk.last:
        raise _Tampered(walk.last + 1, f"the end is missing: the chain reached {reached}")
    is_longer = await audit_entries.is_longer(work, organization_id=walk.organization_id)
    if is_longer or (walk.last and (head is None or head.hash != walk.hash)):
        raise _Tampered(walk.last, "the chain was made longer by somebody else")
    stray = await audit_entries.find_unchained(work, organization_id=walk.organization_id)
    if stray is not None:
        shown = ids.show(ids.Kind.AUDIT_ENTRY, stray)
        raise _Tampered(None, f"{shown} has no place in the chain and waits for none")
    if not walk.last and await audit_entries.is_emptied(work, organization_id=walk.organization_id):
        raise _Tampered(1, "the organization exists, and all that was written of it is gone")
    if await audit_entries.has_vanished(work, organization_id=walk.organization_id):
        raise _Tampered(None, "the organization is gone, and nothing says that it was deleted")
